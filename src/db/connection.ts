import { setTimeout as sleep } from 'node:timers/promises';
import { PgDialect } from 'drizzle-orm/pg-core';
import { PgRemoteDatabase, PgRemoteSession, type RemoteCallback } from 'drizzle-orm/pg-proxy';
import type { Clock } from '../kernel/clock.ts';
import { StoredRows, type StoredColumns } from '../kernel/stored-rows.ts';
import { failureFor, kindOfFailure, LateError, pauseBeforeRetry } from './failures.ts';
import { connectionEnded, settingOf, type Lane, type Rows, type RowShape, type Sent } from './lane.ts';
import type { Hold, Pool } from './pool.ts';
import { messagesOf, type RowBytes } from './rows.ts';
import { encode, sql, type CompiledStatement, type SqlTag, type Statement } from './statement.ts';

export interface StatementOptions {
  /**
   * Doing it twice is the same as doing it once: it is tried again, until its deadline, when the connection fails under it. One statement that
   * collided with others has done nothing, and is tried again in any case.
   */
  readonly idempotent?: boolean;
  /** Milliseconds until TIMEOUT, waiting for a connection and all tries included. */
  readonly deadlineMs?: number;
  /**
   * May be called once the statement ran, before it is committed, with whether it has rows: what it took others cannot take meanwhile, nor see, and all of it is undone
   * should the commit fail. For what may begin while the disk writes, and can be broken off.
   */
  readonly onRun?: (hasRows: boolean) => void;
}

/** Something that takes statements: a connection, or one transaction. */
export interface Statements {
  /** drizzle's query builder; every statement is prepared. Selects count as idempotent. */
  readonly query: PgRemoteDatabase;
  /** A hot statement as SQL text: `sql<Row>((sql) => sql`select ...`)`. Column names come back as they are in SQL. */
  sql<Row>(statement: (sql: SqlTag) => Statement, options?: StatementOptions): Promise<Row[]>;
}

/** A statement that another can be sent right behind, on the same connection: a round trip less. */
export interface Leader<Row> {
  readonly rows: Promise<Row[]>;
  /** From when it was sent until it is answered, while no other was sent behind it. */
  readonly isOpen: boolean;
  /**
   * Sends one more, a transaction of its own, while this is open. It is run whatever becomes of the first, whose word it gets from the
   * session's settings alone, and never tried again.
   */
  follow<Row>(statement: Statement, onRun?: StatementOptions['onRun']): Promise<Row[]>;
}

export interface Connection extends Statements {
  /** Sends a statement that may be followed. */
  lead<Row>(statement: Statement, options?: StatementOptions): Leader<Row>;
  /** A hot read whose rows nobody may look into. `columns` are what the statement selects, in that order. For tenants only; it counts as idempotent. */
  stored<Row>(columns: StoredColumns, statement: (sql: SqlTag) => Statement): Promise<StoredRows<Row>>;
  /** All of it or nothing. With `idempotent`, `work` is run again when the connection fails or rows collide. */
  transaction<T>(work: (transaction: Statements) => Promise<T>, options?: StatementOptions): Promise<T>;
}

/** Milliseconds; how long parts of an operation may take. */
export interface Limits {
  readonly acquireTimeoutMs: number;
  readonly queryTimeoutMs: number;
  /** A connection that owes an answer for longer than this is frozen: past the server's own `statement_timeout`. */
  readonly silenceMs: number;
}

/** What a connection's operations run on. */
export interface ConnectionParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The uuid of the tenant that it acts for; null for roles that span tenants. */
  readonly tenant: string | null;
}

/** One try of an operation on a lane: what was sent so far, and its outcome. */
interface Try<T> {
  readonly outcome: Promise<T>;
  wasSent(): boolean;
  mayCancel(): boolean;
}

/** A connection over a pool: each operation takes a lane, with deadlines, retries and no way to hang. */
export class PooledConnection implements Connection {
  private drizzle: PgRemoteDatabase | null = null;

  constructor(private readonly parts: ConnectionParts) {}

  get query(): PgRemoteDatabase {
    this.drizzle ??= queryBuilder((statement, shape) => this.one(statement, shape, { idempotent: isSelect(statement.text) }));
    return this.drizzle;
  }

  async sql<Row>(statement: (sql: SqlTag) => Statement, options: StatementOptions = {}): Promise<Row[]> {
    return (await this.one(statement(sql).compile(), 'objects', options)) as unknown as Row[];
  }

  stored<Row>(columns: StoredColumns, statement: (sql: SqlTag) => Statement): Promise<StoredRows<Row>> {
    const { pool, tenant } = this.parts;
    if (tenant === null) throw new Error('rows are read as they are stored for one tenant at a time');
    const compiled = statement(sql).compile();
    const rowsOf = ({ bytes, starts }: RowBytes) => new StoredRows<Row>(columns, bytes, starts);
    const lane = pool.acquireNow('stored');
    const reading = lane?.read(tenant, compiled);
    if (lane && !reading) pool.release(lane);
    if (!lane || !reading) return this.readStored(tenant, compiled).then(rowsOf);
    // The lane has its own deadline for it, so nothing is made for one that goes well.
    return reading.then(
      (found) => {
        pool.release(lane);
        return rowsOf(found);
      },
      (error: unknown) => {
        pool.release(lane);
        return this.readStored(tenant, compiled, error).then(rowsOf);
      },
    );
  }

  /** The way with deadlines and tries; `failure` is that of a first one. */
  private async readStored(tenant: string, statement: CompiledStatement, failure?: unknown): Promise<RowBytes> {
    const { limits } = this.parts;
    const kind = failure === undefined ? 'contention' : kindOfFailure(failure);
    if (kind !== 'connection' && kind !== 'contention') throw failureFor(failure);
    const outcome = (lane: Lane) => storedRead(lane, tenant, statement);
    return this.operate('stored', { idempotent: true }, limits.silenceMs, outcome);
  }

  async transaction<T>(work: (transaction: Statements) => Promise<T>, options: StatementOptions = {}): Promise<T> {
    return this.operate('alone', options, Infinity, (lane) => new Transaction(lane, this.parts.tenant).run(work));
  }

  lead<Row>(statement: Statement, options: StatementOptions = {}): Leader<Row> {
    const { limits, pool, tenant } = this.parts;
    const first = statement.compile();
    let open: Lane | null = null;
    let scoped: Promise<unknown> | null = null;
    const rows = this.operate('alone', options, limits.silenceMs, (lane) => {
      const sent = inFront(lane, tenant, first);
      open = lane;
      ({ scoped } = sent);
      const over = (): void => {
        if (open === lane) open = null;
      };
      sent.rows.then(over, over);
      return plain(sent);
    });
    const follow = async (next: Statement, onRun: StatementOptions['onRun']): Promise<Rows> => {
      const lane = open;
      if (!lane) throw new Error('the statement in front was answered');
      open = null;
      const behind = scoped;
      const second = next.compile();
      const past = behind ? null : lane.past(tenant, second, 'objects', onRun, true);
      // What the connection cannot learn any more is the driver's, where nothing has to be set for it.
      const sent = past ?? (behind || lane.tenant === tenant ? lane.send(second, 'objects') : null);
      if (!sent) throw failureFor(Object.assign(new Error('the connection knows too many statements'), { code: '40001' }));
      const release = pool.share(lane);
      sent.rows.then(release, release);
      try {
        return await lane.within(
          limits.silenceMs,
          () => new LateError(true),
          behind ? rowsUnder(behind, sent) : sent.rows,
          () => sent.isRunning(),
        );
      } catch (error) {
        throw failureFor(error);
      }
    };
    return {
      rows: rows as unknown as Promise<Row[]>,
      get isOpen() {
        return open !== null;
      },
      follow: <Next>(next: Statement, onRun?: StatementOptions['onRun']) => follow(next, onRun) as unknown as Promise<Next[]>,
    };
  }

  private one(statement: CompiledStatement, shape: 'arrays' | 'objects', options: StatementOptions): Promise<Rows> {
    const { limits, tenant } = this.parts;
    const sent = (lane: Lane) => lane.past(tenant, statement, shape, options.onRun);
    if (tenant === null)
      return this.operate('together', options, limits.silenceMs, (lane) => plain(sent(lane) ?? lane.send(statement, shape)));
    if (options.idempotent === true && isSelect(statement.text)) {
      return this.operate('batched', options, limits.silenceMs, (lane) => scopedRead(lane, tenant, statement, shape));
    }
    // One statement is a transaction by itself: a begin and a commit around it would be half of its messages.
    return this.operate('alone', options, limits.silenceMs, (lane) =>
      plain(sent(lane) ?? behindSetting(lane, tenant, statement, shape)),
    );
  }

  private async operate<T>(hold: Hold, options: StatementOptions, silenceMs: number, start: (lane: Lane) => Try<T>): Promise<T> {
    const { clock, limits, pool } = this.parts;
    const deadline = clock.monotonic() + (options.deadlineMs ?? limits.queryTimeoutMs);
    const remaining = () => Math.max(1, deadline - clock.monotonic());
    for (let attempt = 0; ; attempt++) {
      const lane = await pool.acquire(hold, Math.min(limits.acquireTimeoutMs, remaining()));
      const left = remaining();
      const isFrozen = silenceMs < left;
      const current = start(lane);
      const release = () => pool.release(lane);
      current.outcome.then(release, release);
      try {
        return await lane.within(Math.min(silenceMs, left), () => new LateError(isFrozen), current.outcome, current.mayCancel);
      } catch (error) {
        const kind = kindOfFailure(error);
        // Who collided with others is undone as a whole; the work of a transaction is its caller's to do again.
        const wasUndone = kind === 'contention' && silenceMs !== Infinity;
        const canRepeat = options.idempotent === true || wasUndone || (kind === 'connection' && !current.wasSent());
        const pause = pauseBeforeRetry(attempt);
        const isWorthIt = (kind === 'connection' || kind === 'contention') && clock.monotonic() + pause < deadline;
        // What was never sent was not slow: there was no connection to send it on.
        if (!canRepeat || !isWorthIt) throw failureFor(kind === 'deadline' && !current.wasSent() ? new LateError(true) : error);
        await sleep(pause);
      }
    }
  }
}

/** A statement behind a setting. */
interface ScopedSent extends Sent {
  /** Null where the two are one transaction. */
  readonly scoped: Promise<unknown> | null;
}

function plain(sent: Sent): Try<Rows> {
  return { outcome: sent.rows, wasSent: () => sent.wasSent(), mayCancel: () => sent.isRunning() };
}

/**
 * A read goes behind the connection's own setting of the tenant, which is only sent when it was another's: no begin and no commit,
 * which would be two thirds of its messages. Everything is answered in order, so each read runs under the setting sent before it.
 */
function scopedRead(lane: Lane, tenant: string, statement: CompiledStatement, shape: RowShape): Try<Rows> {
  const scoped = lane.under(tenant);
  const main = lane.send(statement, shape);
  const outcome = main.rows.then(async (rows) => {
    await scoped;
    // A plan that a migration made stale was sent again by the driver, by then perhaps under another tenant's setting.
    if (main.wasRepeated()) throw Object.assign(new Error('the statement was planned anew'), { code: '40001' });
    return rows;
  });
  return { outcome, wasSent: () => main.wasSent(), mayCancel: () => main.isRunning() };
}

/** A statement on a lane of its own, behind the tenant's setting, which stays: what follows runs under it as well. `scoped` rejects where it could not be set. */
function behindSetting(lane: Lane, tenant: string | null, statement: CompiledStatement, shape: RowShape): ScopedSent {
  const scoped = tenant === null ? Promise.resolve() : lane.under(tenant);
  const main = lane.send(statement, shape);
  return { ...main, scoped, rows: rowsUnder(scoped, main) };
}

/** A statement that another is to follow. */
function inFront(lane: Lane, tenant: string | null, statement: CompiledStatement): ScopedSent {
  const past = lane.past(tenant, statement, 'objects');
  return past ? { ...past, scoped: null } : behindSetting(lane, tenant, statement, 'objects');
}

/** The rows of a statement that was sent behind a setting; rejects where that could not be set. */
async function rowsUnder(scoped: Promise<unknown>, { rows }: Sent): Promise<Rows> {
  const [, found] = await Promise.all([scoped, rows]);
  return found;
}

/** The same for rows that stay as they are, by the driver where it has to. */
function storedRead(lane: Lane, tenant: string, statement: CompiledStatement): Try<RowBytes> {
  const reading = lane.read(tenant, statement);
  // The lane ends what takes too long by itself, and knows whether it runs.
  if (reading) return { outcome: reading, wasSent: () => true, mayCancel: () => false };
  if (lane.isReading) {
    // The setting that they rely on could be changed by what goes another way.
    const outcome = Promise.reject(Object.assign(new Error('the connection is in use in another way'), { code: '40001' }));
    return { outcome, wasSent: () => false, mayCancel: () => false };
  }
  const { outcome, ...rest } = scopedRead(lane, tenant, statement, 'bytes');
  return { outcome: outcome.then((rows) => messagesOf(rows as unknown as (Buffer | null)[][])), ...rest };
}

/** A transaction over several round trips, on a lane of its own. */
class Transaction implements Statements {
  readonly query = queryBuilder((statement, shape) => this.send(statement, shape));
  private isOver = false;
  private failure: Error | null = null;

  constructor(
    private readonly lane: Lane,
    private readonly tenant: string | null,
  ) {}

  async sql<Row>(statement: (sql: SqlTag) => Statement): Promise<Row[]> {
    return (await this.send(statement(sql).compile(), 'objects')) as unknown as Row[];
  }

  run<T>(work: (transaction: Statements) => Promise<T>): Try<T> {
    const begin = this.lane.sendSimple(this.tenant === null ? 'begin' : `begin;${settingOf(this.tenant, true)}`);
    return { outcome: this.finish(begin, work), wasSent: () => begin.wasSent(), mayCancel: () => true };
  }

  private async finish<T>(begin: Sent, work: (transaction: Statements) => Promise<T>): Promise<T> {
    try {
      await begin.rows;
      // Work may wait for something that never comes; the loss of the connection ends it here.
      const result = await this.lane.whileOpen(work(this));
      this.isOver = true;
      const ended = await this.lane.sendSimple('commit').rows;
      // Work that swallowed a failed statement: Postgres has undone the whole.
      if (ended.command !== 'COMMIT') throw this.failure ?? new Error('the transaction was rolled back');
      return result;
    } catch (error) {
      this.isOver = true;
      // A rollback that fails leaves a connection that is gone or retired; the server undoes what it had.
      await this.lane.sendSimple('rollback').rows.catch(() => this.lane.destroy());
      throw error;
    }
  }

  private async send(statement: CompiledStatement, shape: RowShape): Promise<Rows> {
    if (this.isOver) throw new Error('a statement came after its transaction had ended');
    // Lost between two statements: the same as under one of them.
    if (this.lane.isRetired) throw (this.failure ??= connectionEnded());
    try {
      return await this.lane.send(statement, shape).rows;
    } catch (reason) {
      this.failure ??= reason instanceof Error ? reason : new Error('a statement failed', { cause: reason });
      throw reason;
    }
  }
}

/** drizzle leaves queries and their parameters in the errors it wraps around ours; letters do not belong there. */
class PlainErrorSession extends PgRemoteSession<Record<string, never>, Record<string, never>> {
  override prepareQuery(...args: Parameters<PgRemoteSession<Record<string, never>, Record<string, never>>['prepareQuery']>) {
    const prepared = super.prepareQuery(...args);
    Object.assign(prepared, {
      queryWithCache: <T>(_text: string, _parameters: unknown[], run: () => Promise<T>): Promise<T> => run(),
    });
    // The base class is generic over what the query returns, which plays no part here.
    return prepared as never;
  }
}

const dialect = new PgDialect({ casing: 'snake_case' });

function queryBuilder(send: (statement: CompiledStatement, shape: 'arrays' | 'objects') => Promise<Rows>): PgRemoteDatabase {
  const callback: RemoteCallback = async (text, values, method) => {
    const rows = await send({ text, parameters: values.map(encode) }, method === 'all' ? 'arrays' : 'objects');
    return { rows };
  };
  return new PgRemoteDatabase(dialect, new PlainErrorSession(callback, dialect, undefined), undefined);
}

function isSelect(text: string): boolean {
  return /^\s*\(*select\b/i.test(text);
}
