import postgres from 'postgres';

/** One measurement: `callers` that each begin the next pair as soon as one is over, each for a random one of `tenants`. */
export interface Turn {
  readonly contestant: 'draftwire' | 'bare';
  readonly tenants: number;
  readonly callers: number;
  readonly seconds: number;
}

type Sql = (strings: TemplateStringsArray, ...values: unknown[]) => object;
type Piece = (sql: Sql) => object;
interface Connection {
  sql(statement: Piece): Promise<object[]>;
}

/** What of the built product is used; Node cannot strip the types of its sources, and its tables are no part of this project. */
interface Product {
  openDatabase(config: object, parts: object): Promise<{ as(tenant: object): Connection; readonly engine: Connection }>;
  databaseDefaults: object;
  systemClock: object;
  newId(prefix: string): string;
  uuidOf(id: string): string;
  openLog(options: object): object;
  freePrice: object;
  LedgerService: new (parts: object) => {
    foreseeing(scope: object, asked: object): Piece;
    unlessUnforeseen<T>(scope: object, answer: Promise<T>): Promise<T | null>;
    settled(sql: Sql, tenantId: string, whose: object, attempt: number, used: object): object;
  };
}

const connections = 16;
/** The product's own: one to listen and one to tell. */
const beside = 2;
const mostTenants = 1_000;
/** More than anybody asks for here: what is refused would cost less. */
const most = 1_000_000_000_000;
const { DATABASE_URL: url = '', DATABASE_SOCKET: socketPath = '' } = process.env;

const [client, ids, clock, id, log, price, ledger] = await Promise.all(
  ['db/client', 'db/ids', 'kernel/clock', 'kernel/id', 'kernel/log', 'routing/price', 'budgets/ledger.service'].map(
    (name) => import(new URL(`../../dist/${name}.js`, import.meta.url).href),
  ),
);
const product: Product = { ...client, ...ids, ...clock, ...id, ...log, ...price, ...ledger };
const { systemClock, newId, uuidOf } = product;
const owner = postgres(url, { path: socketPath, max: connections, onnotice: () => undefined });

/** Tenants with a member and three budgets each, and a row for each that knows nothing of budgets. */
async function makeTenants(): Promise<object[]> {
  const scopes = Array.from({ length: mostTenants }, () => ({ tenantId: newId('ten'), memberId: newId('mem'), keyId: null }));
  const tenants = scopes.map(({ tenantId }) => uuidOf(tenantId));
  const members = scopes.map(({ memberId }) => uuidOf(memberId));
  await owner`insert into tenants (id, name) select id, 'bench' from unnest(${tenants}::uuid[]) t(id)`;
  await owner`insert into members (id, tenant_id, email, role)
    select member, tenant, member || '@bench.example', 'member' from unnest(${tenants}::uuid[], ${members}::uuid[]) t(tenant, member)`;
  await owner`insert into budgets (tenant_id, id, subject, member_id, unit, period, most)
    select tenant, gen_random_uuid(), subject, case subject when 'MEMBER' then member end, unit, period, ${most}::bigint
    from unnest(${tenants}::uuid[], ${members}::uuid[]) t(tenant, member),
      (values ('TENANT', 'COST_MICROS', 'MONTH'), ('TENANT', 'TOKENS', 'DAY'), ('MEMBER', 'GENERATIONS', 'WEEK')) b(subject, unit, period)`;
  await owner.unsafe(`
    create table bare_budgets (tenant int primary key, used bigint not null default 0) with (fillfactor = 50);
    insert into bare_budgets (tenant) select generate_series(1, ${mostTenants});
    create table bare_caps (tenant int, cap int, used bigint not null default 0, primary key (tenant, cap)) with (fillfactor = 50);
    insert into bare_caps (tenant, cap) select tenant, cap from generate_series(1, ${mostTenants}) tenant, generate_series(1, 3) cap;`);
  await owner.unsafe('vacuum analyze');
  return scopes;
}

const scopes = await makeTenants();
const database = await product.openDatabase(
  { ...product.databaseDefaults, url, socketPath, maxConnections: connections + beside },
  { log: product.openLog({ level: 'silent' }), clock: systemClock },
);
const ledgers = new product.LedgerService({ models: { priceOf: () => product.freePrice }, bus: null, clock: systemClock });
const plan = { models: ['bench/model'], branches: {} };
const messages = [{ role: 'user', content: 'a letter '.repeat(500) }];

const pairs: Readonly<Record<Turn['contestant'], (tenant: number) => Promise<void>>> = {
  draftwire: async (tenant) => {
    const scope = scopes[tenant] ?? {};
    const generation = newId('gen');
    const asked = { id: generation, plan, messages, maxOutputTokens: 1_000, guards: null, variables: {}, metadata: null };
    const reserved = ledgers.foreseeing(scope, asked);
    // As a start does: the first of a tenant's finds out that there are budgets.
    const reserve = () => database.as(scope).sql((sql) => sql`select ${reserved(sql)} as is_reserved`);
    const [row] = (await ledgers.unlessUnforeseen(scope, reserve())) ?? (await reserve());
    if (!row || Object.values(row)[0] !== true) throw new Error('nothing was reserved');
    await database.engine.sql((sql) => {
      const { tenantId } = scope as { tenantId: string };
      const whose = { tenant: sql`${uuidOf(tenantId)}::uuid`, generation: sql`${uuidOf(generation)}::uuid` };
      return sql`select ${ledgers.settled(sql, tenantId, whose, 1, { costMicros: 700, tokens: 900 })}`;
    });
  },
  bare: async (tenant) => {
    await owner`update bare_budgets set used = used + 1 where tenant = ${tenant + 1}`;
    await owner`update bare_budgets set used = used - 1 where tenant = ${tenant + 1}`;
  },
};

async function measure({ contestant, tenants, callers, seconds }: Turn): Promise<number> {
  const pair = pairs[contestant];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let done = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < endsAt) {
        await pair(Math.floor(Math.random() * tenants));
        done++;
      }
    }),
  );
  return done / ((performance.now() - startedAt) / 1_000);
}

// The first call of a slice of a window empties what has left it: once an hour, a quarter of a day or a day, and in none of the turns.
await Promise.all(
  Array.from({ length: connections }, async (_, first) => {
    for (let tenant = first; tenant < mostTenants; tenant += connections) await pairs.draftwire(tenant);
  }),
);

process.on('message', (turn: Turn) => {
  void measure(turn).then((perSecond) => process.send?.({ perSecond }));
});
process.on('SIGTERM', () => process.exit(0));
process.send?.({ url: 'none' });
