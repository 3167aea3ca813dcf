import { inspect } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { PooledConnection, type Connection, type Limits, type Statements } from './connection.ts';
import { uuidOf } from './ids.ts';
import type { LaneOptions } from './lane.ts';
import { Listener, type ListenHandlers } from './listener.ts';
import { Pool } from './pool.ts';
import { appRole, engineRole, tenantSetting } from './tenancy.ts';

export type { Connection, Leader } from './connection.ts';
export type { ListenHandlers } from './listener.ts';

export interface DatabaseConfig {
  /** The login user's URL; it needs both roles, which `migrate` grants. */
  readonly url: string;
  /** The server's Unix socket, used in place of the URL's address; null for the address. */
  readonly socketPath: string | null;
  /** Who migrates and owns the tables; null when that is the login user. */
  readonly ownerUrl: string | null;
  /** The most connections this process may open. Fewer are used when the server has no room for so many. */
  readonly maxConnections: number;
  /** Milliseconds an operation waits for a free connection before UNAVAILABLE. */
  readonly acquireTimeoutMs: number;
  /** Milliseconds an operation takes at most, waiting and tries included, before TIMEOUT. */
  readonly queryTimeoutMs: number;
  /** Milliseconds after which the server itself ends a statement. */
  readonly statementTimeoutMs: number;
  /** Milliseconds a transaction may lie open between two statements. */
  readonly idleInTransactionTimeoutMs: number;
  /** Milliseconds to connect, the handshake included. */
  readonly connectTimeoutMs: number;
  /** Milliseconds between two signs of life of a connection that listens, and how long one may take. */
  readonly heartbeatMs: number;
}

/** What suits a server; `url` is all that has to be said. */
export const databaseDefaults = {
  socketPath: null,
  ownerUrl: null,
  maxConnections: 24,
  acquireTimeoutMs: 3_000,
  queryTimeoutMs: 10_000,
  statementTimeoutMs: 5_000,
  idleInTransactionTimeoutMs: 10_000,
  connectTimeoutMs: 3_000,
  heartbeatMs: 5_000,
} as const satisfies Omit<DatabaseConfig, 'url'>;

/** Who acts on the app role's connections: the tenant's id. A Scope is one. */
export interface TenantScope {
  readonly tenantId: string;
}

// A connection for notifications out, one for notifications in, and the least a role can work with.
const ownConnections = 2;
const leastConnections = ownConnections + 4;

/** From here on a transaction acts for another tenant. */
export async function turnTo(transaction: Statements, { tenantId }: TenantScope): Promise<void> {
  await transaction.sql((sql) => sql`select set_config(${tenantSetting}, ${uuidOf(tenantId, 'ten')}, true)`);
}

/** Opens the pools, after asking the server how many connections it has room for. UNAVAILABLE when it cannot be reached within the deadline. */
export async function openDatabase(config: DatabaseConfig, parts: { log: Log; clock: Clock }): Promise<Database> {
  const budget = await connectionBudget(config, parts);
  return new Database(config, budget, parts);
}

/** Postgres, as this process uses it: tenants' statements through `as`, the engine's through `engine`. */
export class Database {
  /** The engine's role: it spans tenants, for the acts that are named to need it. Single statements travel together, without a transaction. */
  readonly engine: Connection;
  private readonly app: Pool;
  private readonly spanning: Pool;
  private readonly notifications: Pool;
  private readonly notifier: Connection;
  private readonly listeners = new Set<Listener>();
  private readonly limits: Limits;
  /** What acts for tenants: made once for those that ask often. */
  private readonly tenants = new LRUCache<string, Connection>({ max: 1_000 });

  constructor(
    private readonly config: DatabaseConfig,
    /** Connections all pools may have together. */
    readonly connections: number,
    private readonly parts: { log: Log; clock: Clock },
  ) {
    this.limits = limitsOf(config);
    const pooled = connections - ownConnections;
    const spanning = Math.max(2, Math.floor(pooled / 3));
    this.app = new Pool({ ...laneOptions(config, appRole.name), size: pooled - spanning }, parts.clock);
    this.spanning = new Pool({ ...laneOptions(config, engineRole.name), size: spanning }, parts.clock);
    this.notifications = new Pool({ ...laneOptions(config, engineRole.name), size: 1 }, parts.clock);
    this.engine = this.connection(this.spanning, null);
    this.notifier = this.connection(this.notifications, null);
  }

  /** Acts for one tenant under row-level security: every statement goes out behind the setting that says for whom, in one go. */
  as(scope: TenantScope): Connection {
    const { tenantId } = scope;
    let connection = this.tenants.get(tenantId);
    if (!connection) {
      connection = this.connection(this.app, uuidOf(tenantId, 'ten'));
      this.tenants.set(tenantId, connection);
    }
    return connection;
  }

  /** Hears a channel on a connection of its own; resolves once it does. Lost connections come back by themselves. */
  async listen(channel: string, handlers: ListenHandlers): Promise<{ stop(): Promise<void> }> {
    const { heartbeatMs } = this.config;
    const listener = new Listener(
      channel,
      handlers,
      { ...laneOptions(this.config, engineRole.name), heartbeatMs },
      this.parts.log,
    );
    this.listeners.add(listener);
    await listener.ready;
    return {
      stop: async () => {
        this.listeners.delete(listener);
        await listener.stop();
      },
    };
  }

  /** Sends hints, each below 8,000 bytes, on a connection of its own. A hint may arrive twice, or never. */
  async notify(channel: string, payloads: readonly string[]): Promise<void> {
    if (payloads.length === 0) return;
    await this.notifier.sql((sql) => sql`select pg_notify(${channel}, payload) from unnest(${payloads}::text[]) payload`, {
      idempotent: true,
    });
  }

  /** Rejects unless the database answers both roles within the deadline. */
  async ping(deadlineMs = 1_000): Promise<void> {
    const options = { deadlineMs, idempotent: true };
    await Promise.all([this.connection(this.app, null), this.engine].map((role) => role.sql((sql) => sql`select 1`, options)));
  }

  /** Lets what runs end within its deadline, then closes every connection. */
  async close(): Promise<void> {
    await Promise.all([...this.listeners].map((listener) => listener.stop()));
    await Promise.all([this.app, this.spanning, this.notifications].map((pool) => pool.close(this.config.queryTimeoutMs)));
  }

  /** Open connections and waiting operations by role, for metrics and for tests that look for leaks. */
  get usage() {
    return {
      app: this.app.size,
      engine: this.spanning.size,
      notifications: this.notifications.size,
      listeners: this.listeners.size,
    };
  }

  /** Keeps the URL, and so its password, out of logs. */
  [inspect.custom](): string {
    return 'Database';
  }

  private connection(pool: Pool, tenant: string | null): Connection {
    return new PooledConnection({ pool, clock: this.parts.clock, limits: this.limits, tenant });
  }
}

function limitsOf(config: DatabaseConfig): Limits {
  const { acquireTimeoutMs, queryTimeoutMs, statementTimeoutMs } = config;
  return { acquireTimeoutMs, queryTimeoutMs, silenceMs: statementTimeoutMs + 2_000 };
}

function laneOptions(config: DatabaseConfig, role: string | null): LaneOptions {
  return {
    url: config.url,
    socketPath: config.socketPath,
    connectTimeoutMs: config.connectTimeoutMs,
    silenceMs: limitsOf(config).silenceMs,
    parameters: {
      ...(role !== null && { role }),
      application_name: `draftwire ${role ?? 'boot'}`,
      statement_timeout: String(config.statementTimeoutMs),
      idle_in_transaction_session_timeout: String(config.idleInTransactionTimeoutMs),
      timezone: 'UTC',
    },
  };
}

async function connectionBudget(config: DatabaseConfig, { log, clock }: { log: Log; clock: Clock }): Promise<number> {
  const pool = new Pool({ ...laneOptions(config, null), size: 1 }, clock);
  try {
    const asker = new PooledConnection({ pool, clock, limits: limitsOf(config), tenant: null });
    const [server] = await asker.sql<{ room: number }>(
      (sql) => sql`
        select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
          - coalesce(current_setting('reserved_connections', true), '0')::int as room`,
      { idempotent: true },
    );
    const room = server?.room ?? config.maxConnections;
    const budget = Math.max(leastConnections, Math.min(config.maxConnections, room));
    if (budget > room) throw new Error(`the database has room for ${room} connections, Draftwire needs ${leastConnections}`);
    if (budget < config.maxConnections)
      log.warn({ wanted: config.maxConnections, budget }, 'fewer database connections than configured');
    return budget;
  } finally {
    await pool.close(0);
  }
}
