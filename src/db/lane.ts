import postgres from 'postgres';
import { LateError } from './failures.ts';
import { arraysOf, objectsOf, type RowBytes } from './rows.ts';
import { cancelBackend, connectTo, endpointOf, type Backend, type Endpoint } from './socket.ts';
import type { CompiledStatement } from './statement.ts';
import { tenantSetting } from './tenancy.ts';
import { typeParsers } from './types.ts';
import { WireSocket } from './wire.ts';

export interface LaneOptions {
  readonly url: string;
  /** A Unix socket to connect to in place of the URL's address; null for the address. */
  readonly socketPath: string | null;
  /** Startup parameters: the role to take on, timeouts, the application's name. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** So long a read past the driver may have no answer. */
  readonly silenceMs: number;
  readonly onNotification?: (channel: string, payload: string) => void;
}

/** Rows as arrays in the order selected, of values or of their texts' bytes, or as objects by column name. */
export type RowShape = 'arrays' | 'bytes' | 'objects';

export type Rows = postgres.RowList<postgres.Row[]>;

/** A statement on its way. */
export interface Sent {
  readonly rows: Promise<Rows>;
  /** False while not one byte of it was handed to the connection: sending it again cannot do it twice. */
  wasSent(): boolean;
  /** True while the server works on it and not on one before or behind it. */
  isRunning(): boolean;
  /** True when the driver sent it a second time, behind everything that was sent meanwhile, because its plan was stale. */
  wasRepeated(): boolean;
}

/** What postgres.js keeps on a query and does not declare. */
interface QueryInternals {
  readonly state: Backend | null;
  readonly active: boolean;
  readonly retried?: unknown;
}

// How long a late statement gets to end after its cancellation, before its socket is destroyed.
const cancelGraceMs = 2_000;

/** Turns a connection to a tenant: for as long as it lives, unless the transaction fails. */
const turning = `select set_config('${tenantSetting}', $1, false)`;

/** The statement without parameters that does the same. */
export function settingOf(tenant: string, isLocal = false): string {
  return `set ${isLocal ? 'local ' : ''}${tenantSetting} = '${tenant}'`;
}

/** The failure of what was on a connection, or comes to it, when it was lost. */
export const connectionEnded = () => Object.assign(new Error('the database connection is gone'), { code: 'CONNECTION_ENDED' });

/**
 * One connection, once: when it is lost the lane is done, so a transaction can never go on over a fresh connection.
 * postgres.js speaks the protocol; the socket is ours, so that one that gives no answer can be destroyed.
 */
export class Lane {
  /** Takes no more work; its owner closes it when the work it has is done. */
  isRetired = false;
  isGone = false;
  /** Operations that hold this lane now. */
  holders = 0;
  /** The tenant (its uuid) that statements on this lane run for; null before the first, and while nobody knows. */
  tenant: string | null = null;
  /** Whether that could be set. */
  private scoped: Promise<unknown> = Promise.resolve();
  private readonly client: postgres.Sql;
  private readonly unanswered = new Set<(reason: Error) => void>();
  private readonly dependants = new Set<(reason: Error) => void>();
  private readonly closed = Promise.withResolvers<void>();
  private socket: WireSocket | null = null;
  private firstQuery: QueryInternals | null = null;
  private graceTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: LaneOptions,
    /** Called once, when the connection is gone for whatever reason. */
    private readonly onGone: (lane: Lane) => void,
  ) {
    this.client = postgres(options.url, {
      max: 1,
      idle_timeout: 0,
      max_lifetime: 0,
      connect_timeout: options.connectTimeoutMs / 1_000,
      // The driver's own lookup of array types runs outside any query: its failure would be an unhandled rejection.
      fetch_types: false,
      connection: options.parameters,
      onnotice: () => undefined,
      onclose: () => this.gone(),
      ...(options.onNotification && { onnotify: options.onNotification }),
      socket: (endpoint: Endpoint) => this.openSocket(endpointOf(endpoint, options.socketPath)),
    } as postgres.Options<Record<string, never>>);
    // Parameters arrive encoded; the driver must not encode them again.
    this.client.options.serializers = {};
    const parsers = this.client.options.parsers as Record<number, unknown>;
    Object.assign(parsers, typeParsers());
  }

  /** Puts a prepared statement on the wire, behind those sent before it, without waiting for their answers. */
  send(statement: CompiledStatement, shape: RowShape): Sent {
    const options = { prepare: true, simple: false } as postgres.UnsafeQueryOptions;
    const query = this.client.unsafe(statement.text, [...statement.parameters], options);
    // Only says how rows come back; the query goes out below.
    if (shape === 'arrays') void query.values();
    if (shape === 'bytes') void query.raw();
    return this.execute(query);
  }

  /**
   * Reads for a tenant past the driver, which takes rows apart that nobody may look into. Null where the driver has to do it: it opens
   * connections and encrypts them. The two never have statements on their way at once, for the setting is that of the connection.
   */
  read(tenant: string, statement: CompiledStatement): Promise<RowBytes> | null {
    const { socket } = this;
    if (!socket?.mayRead(statement.text) || this.unanswered.size > 0) return null;
    if (this.tenant !== tenant) {
      this.tenant = tenant;
      socket.command(settingOf(tenant), () => this.destroy());
    }
    return socket.ask(statement.text, statement.parameters);
  }

  /**
   * Sends a statement past the driver, for a tenant (null: for a role that spans them), whose setting goes with it in one transaction where it was
   * another's: less for both ends than a message for each. Where that fails the setting is as it was before, so for a tenant nothing else may be
   * sent until it is answered but one more of its own (`isBehind`), which takes the setting along again. Null where the driver has to do it.
   */
  past(
    tenant: string | null,
    statement: CompiledStatement,
    shape: 'arrays' | 'objects',
    onRun?: (hasRows: boolean) => void,
    isBehind = false,
  ): Sent | null {
    const { socket } = this;
    if (!socket?.mayRead(statement.text)) return null;
    if (tenant !== null && (this.unanswered.size > 0 || (socket.isReading && !isBehind))) return null;
    const isTurned = tenant !== null && this.tenant !== tenant;
    if (isTurned) this.tenant = null;
    const asked = socket.run(isTurned ? [{ text: turning, parameters: [tenant] }, statement] : [statement], onRun);
    const rows = asked.answer.then((found) => {
      if (isTurned) this.tenant = tenant;
      const values = shape === 'arrays' ? arraysOf(asked.columns(), found) : objectsOf(asked.columns(), found);
      return values as unknown as Rows;
    });
    return { rows, wasSent: asked.wasSent, isRunning: asked.isRunning, wasRepeated: () => false };
  }

  /** Whether reads past the driver are on their way. */
  get isReading(): boolean {
    return this.socket?.isReading ?? false;
  }

  /**
   * Has what is sent next run under a tenant's setting, which is only sent when it was another's. Rejects when that fails: what was sent behind it ran under
   * the other's, and found nothing of its own. The lane is gone then.
   */
  under(tenant: string): Promise<unknown> {
    if (this.tenant === tenant) return this.scoped;
    this.tenant = tenant;
    this.scoped = this.sendSimple(settingOf(tenant)).rows;
    this.scoped.catch(() => this.destroy());
    return this.scoped;
  }

  /** Sends statements without parameters, separated by semicolons, in one message. */
  sendSimple(text: string): Sent {
    return this.execute(this.client.unsafe(text));
  }

  /** Waits for work on this lane. Past `limitMs` it rejects with what `late` makes, cancels what runs if `mayCancel`, and gives the lane up. */
  within<T>(limitMs: number, late: () => LateError, work: Promise<T>, mayCancel: () => boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(late());
        this.abandon(mayCancel());
      }, limitMs);
      void work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** Closes the connection politely; one that does not answer within `timeoutMs` is destroyed. */
  async end(timeoutMs: number): Promise<void> {
    this.isRetired = true;
    if (this.isGone) return;
    if (!this.socket) return this.gone();
    const timer = setTimeout(() => this.destroy(), timeoutMs);
    // It can only fail by the connection being gone, which is what is wanted.
    void this.client.end().catch(() => undefined);
    await this.closed.promise;
    clearTimeout(timer);
  }

  /** Drops the connection at once; statements on it fail with a connection failure. */
  destroy(): void {
    this.isRetired = true;
    if (this.socket) this.socket.destroy();
    else this.gone();
  }

  /** Waits for work that is not the connection's own, but has no point without it. */
  whileOpen<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.isGone) return reject(connectionEnded());
      this.dependants.add(reject);
      void work.then(resolve, reject).finally(() => this.dependants.delete(reject));
    });
  }

  private abandon(mayCancel: boolean): void {
    this.isRetired = true;
    if (this.isGone) return;
    // Nothing to cancel: a transaction that lies open holds its locks until the connection is gone.
    if (mayCancel && this.unanswered.size === 0 && !this.isReading) return this.destroy();
    const backend = this.firstQuery?.state;
    if (mayCancel && backend) {
      void cancelBackend(endpointOf(this.client.options as unknown as Endpoint, this.options.socketPath), backend);
    }
    this.graceTimer ??= setTimeout(() => this.destroy(), cancelGraceMs);
  }

  private execute(query: PromiseLike<Rows> & { execute(): PromiseLike<Rows> }): Sent {
    const internals = query as unknown as QueryInternals;
    this.firstQuery ??= internals;
    let forget = (): unknown => undefined;
    const rows = new Promise<Rows>((resolve, reject) => {
      if (this.isGone) return reject(connectionEnded());
      this.unanswered.add(reject);
      forget = () => this.unanswered.delete(reject);
      query.execute().then(resolve, reject);
    });
    rows.then(forget, forget);
    return {
      rows,
      wasSent: () => internals.state !== null,
      isRunning: () => internals.active,
      wasRepeated: () => internals.retried !== undefined,
    };
  }

  private openSocket(endpoint: Endpoint): WireSocket {
    if (this.socket) throw connectionEnded();
    const onSilence = (reject: (reason: Error) => void, isRunning: boolean): void => {
      reject(new LateError(true));
      this.abandon(isRunning);
    };
    this.socket = connectTo(endpoint, new WireSocket({ afterMs: this.options.silenceMs, onSilence }));
    // After the driver's own listener, which rejects what was on the wire with a better reason.
    this.socket.once('close', () => setImmediate(() => this.gone()));
    return this.socket;
  }

  private gone(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.isRetired = true;
    clearTimeout(this.graceTimer);
    this.socket?.destroy();
    void this.client.end({ timeout: 0 }).catch(() => undefined);
    // The driver forgets queries that wait in its queue when a connection ends.
    setImmediate(() => {
      for (const reject of [...this.unanswered, ...this.dependants]) reject(connectionEnded());
    });
    this.closed.resolve();
    this.onGone(this);
  }
}
