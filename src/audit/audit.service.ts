import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { rawPage, type Page, type PageInput } from '../db/page.ts';
import { sql, type Statement } from '../db/statement.ts';
import { rowsById } from '../db/by-id.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { checkMoment } from '../kernel/given.ts';
import type { Scope } from '../kernel/scope.ts';
import { auditEntries } from './audit.table.ts';
import type { HeadSeal } from './chain.ts';
import { decodePosition } from './cursor.ts';
import type { Pseudonyms } from './pseudonym.ts';
import { readChain, readEntries, readHeadPosition, type Entry, type SealedEntry } from './read.ts';
import type { AuditTail } from './tail.ts';
import { verifyChain, type Stretch, type Verification } from './verify.ts';

/** Which entries; absent and null mean all. */
export interface AuditFilter {
  readonly operation?: string | null;
  /** A member's id or pseudonym. */
  readonly actor?: string | null;
  readonly thing?: string | null;
  readonly from?: Date | null;
  readonly to?: Date | null;
}

/** A stretch of time: from `from` on, until before `to`. */
export type Period = Pick<AuditFilter, 'from' | 'to'>;

interface Parts {
  readonly database: Database;
  readonly pseudonyms: Pseudonyms;
  readonly seal: HeadSeal;
  readonly tail: AuditTail;
  readonly clock: Clock;
}

const followedAtOnce = 100;
const exportedAtOnce = 500;

/** Lets people read the audit log of their tenant. */
export class AuditService {
  constructor(private readonly parts: Parts) {}

  /** Newest first; what was done a moment ago, too. */
  async page(scope: Scope, args: PageInput, filter: AuditFilter): Promise<Page<Entry>> {
    scope.require('audit:read');
    checkPeriod(filter, ['filter']);
    const where = this.where(scope, filter);
    return rawPage<Entry>(args, {
      list: 'auditLog',
      tenantId: scope.tenantId,
      key: auditEntries.id,
      keyOf: ({ id }) => id,
      rows: async (after, limit) => {
        const behind = after === null ? sql`` : sql`and e.id < ${uuidOf(after, 'aud')}`;
        const ofKind = (kind: Statement) => sql`${kind} ${where} ${behind} order by e.id desc limit ${limit}`;
        // The indexes hold sealed entries only; of the others there are few.
        const [waiting, sealed] = await Promise.all(
          [sql`and e.position is null`, sql`and e.position is not null`].map((kind) =>
            readEntries(this.parts.database.as(scope), scope.tenantId, ofKind(kind)),
          ),
        );
        return mergedNewestFirst(waiting ?? [], sealed ?? []).slice(0, limit);
      },
    });
  }

  /** Entries by id, in the order asked for; null for unknown ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(Entry | null)[]> {
    scope.require('audit:read');
    return rowsById('aud', ids, (known) =>
      readEntries(
        this.parts.database.as(scope),
        scope.tenantId,
        sql`and e.id = any(${known.map((id) => uuidOf(id, 'aud'))}::uuid[])`,
      ),
    );
  }

  /** Recomputes a stretch of the chain, at most 20,000 entries or 4 s of it. */
  async verify(scope: Scope, { from, to }: Stretch): Promise<Verification> {
    scope.require('audit:read');
    if (from < 1) throw new AppError('INVALID_INPUT', `from is ${from}, and positions begin with 1`, { path: ['from'] });
    if (to !== null && to < from) throw new AppError('INVALID_INPUT', `to is ${to}, before ${from}`, { path: ['to'] });
    return verifyChain(this.parts.database.as(scope), scope.tenantId, { from, to }, this.parts);
  }

  /**
   * Entries in the order of the chain as they are sealed, from `after` on (null: from now on), until `signal` aborts. Whoever goes on behind
   * the last one misses none and gets none twice: places are without gaps.
   */
  async follow(scope: Scope, after: string | null, signal: AbortSignal): Promise<AsyncIterable<SealedEntry>> {
    scope.require('audit:read');
    const head = await readHeadPosition(this.parts.database.as(scope), scope.tenantId);
    const position = after === null ? head : decodePosition(scope.tenantId, after);
    if (position > head) throw new AppError('INVALID_CURSOR', 'after is beyond the end of the log', { path: ['after'] });
    return this.entriesBehind(scope, position, signal);
  }

  /**
   * The stretch of the chain that holds all entries of a period, in pages. It is without gaps, so that it can be verified by itself: an entry
   * that was sealed among the others is in it even where its own time is a moment outside.
   */
  async export(scope: Scope, period: Period, signal: AbortSignal): Promise<AsyncIterable<readonly SealedEntry[]>> {
    scope.require('audit:read');
    checkPeriod(period, []);
    const { first, last } = await this.stretchOf(scope, period);
    return this.pagesOf(scope, first - 1, last, signal);
  }

  private async *entriesBehind(scope: Scope, start: number, signal: AbortSignal): AsyncGenerator<SealedEntry, void> {
    const { database, tail } = this.parts;
    let after = start;
    while (!signal.aborted) {
      // Before the look: what is sealed meanwhile is news, too.
      using news = tail.watch(scope.tenantId, signal);
      const page = await news.unlessAway(() =>
        readChain(database.as(scope), scope.tenantId, { after, to: Number.MAX_SAFE_INTEGER, limit: followedAtOnce }),
      );
      for (const entry of page) {
        after = entry.position;
        yield entry;
      }
      if (page.length < followedAtOnce) await news.come;
    }
  }

  private async *pagesOf(
    scope: Scope,
    start: number,
    to: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SealedEntry[], void> {
    let after = start;
    while (!signal.aborted && after < to) {
      const page = await readChain(this.parts.database.as(scope), scope.tenantId, { after, to, limit: exportedAtOnce });
      if (page.length === 0) return;
      yield page;
      after = page.at(-1)?.position ?? to;
    }
  }

  private async stretchOf(scope: Scope, { from, to }: Period): Promise<{ first: number; last: number }> {
    const uuid = uuidOf(scope.tenantId, 'ten');
    const among = sql`from audit_entries where tenant_id = ${uuid} and position is not null`;
    const [row] = await this.parts.database.as(scope).sql<{ first: number | null; last: number | null }>(
      (tag) => tag`
        select (select min(position) ${among} ${from ? tag`and created_at >= ${from}` : tag``}) as first,
          (select max(position) ${among} ${to ? tag`and created_at < ${to}` : tag``}) as last`,
      { idempotent: true },
    );
    return { first: row?.first ?? 1, last: row?.first == null ? 0 : (row.last ?? 0) };
  }

  private where({ tenantId }: Scope, { operation, actor, thing, from, to }: AuditFilter): Statement {
    const { pseudonyms } = this.parts;
    return sql`
      ${operation ? sql`and e.operation = ${operation}` : sql``}
      ${actor ? sql`and e.actor = ${pseudonyms.ofThing(tenantId, actor)}` : sql``}
      ${thing ? sql`and e.thing = ${pseudonyms.ofThing(tenantId, thing)}` : sql``}
      ${from ? sql`and e.created_at >= ${from}` : sql``}
      ${to ? sql`and e.created_at < ${to}` : sql``}`;
  }
}

/** Ids are made in order of time. */
function mergedNewestFirst(a: readonly Entry[], b: readonly Entry[]): Entry[] {
  // Sealed between the two looks it is in both.
  const byId = new Map([...a, ...b].map((entry) => [entry.id, entry]));
  return [...byId.values()].toSorted((left, right) => (left.id < right.id ? 1 : -1));
}

function checkPeriod(period: Period, at: readonly string[]): void {
  for (const name of ['from', 'to'] as const) checkMoment(period[name], [...at, name]);
}
