import pg from 'pg';
import { Registry } from 'prom-client';
import { RateLimiterPostgres } from 'rate-limiter-flexible';

/** One measurement: `callers` that each ask again as soon as they are answered, each time for a random one of `keys` keys. */
export interface Turn {
  readonly contestant: 'draftwire' | 'rate-limiter-flexible' | 'rate-limiter-flexible, commits not waited for';
  readonly keys: number;
  readonly callers: number;
  readonly seconds: number;
}

/** What of the built product is used; Node cannot strip the types of its sources, and its tables are no part of this project. */
interface Product {
  openDatabase(config: object, parts: object): Promise<object>;
  databaseDefaults: object;
  systemClock: object;
  newId(prefix: string): string;
  openLog(options: object): object;
  KeyService: new (database: object, secret: string) => { bootstrap(name: string, email: string): Promise<{ tenantId: string }> };
  LimitService: new (parts: object) => { admit(scope: object): Promise<{ refusal: object | null }> };
}

/** More than anybody asks for in a minute: what is refused from memory would cost nothing. */
const most = 100_000_000;
const mostKeys = 10_000;
const connections = 16;
const databaseUrl = process.env.DATABASE_URL ?? '';

const [client, clock, id, log, access, limits] = await Promise.all(
  ['db/client', 'kernel/clock', 'kernel/id', 'kernel/log', 'access/key.service', 'limits/limit.service'].map(
    (name) => import(new URL(`../../dist/${name}.js`, import.meta.url).href),
  ),
);
const product: Product = { ...client, ...clock, ...id, ...log, ...access, ...limits };

const askers: Readonly<Record<Turn['contestant'], (key: number) => Promise<boolean>>> = {
  draftwire: await openDraftwire(),
  'rate-limiter-flexible': await openFlexible('bench_limits', ''),
  // With the same promise about commits as ours.
  'rate-limiter-flexible, commits not waited for': await openFlexible('bench_limits_quick', '-c synchronous_commit=off'),
};

async function openDraftwire(): Promise<(key: number) => Promise<boolean>> {
  const { systemClock } = product;
  const database = await product.openDatabase(
    { ...product.databaseDefaults, url: databaseUrl, maxConnections: connections + 10 },
    { log: product.openLog({ level: 'silent' }), clock: systemClock },
  );
  const service = new product.LimitService({
    database,
    clock: systemClock,
    registry: new Registry(),
    limits: { member: most, tenant: most, starts: most },
  });
  const { tenantId } = await new product.KeyService(database, 'bench').bootstrap('bench', 'owner@bench.example');
  const scopes = Array.from({ length: mostKeys }, () => ({ tenantId, memberId: product.newId('mem'), keyId: null }));
  return async (key) => (await service.admit(scopes[key] ?? {})).refusal === null;
}

async function openFlexible(tableName: string, options: string): Promise<(key: number) => Promise<boolean>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: connections, ...(options !== '' && { options }) });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const limiter = new RateLimiterPostgres(
    { storeClient: pool, tableName, points: most, duration: 60, clearExpiredByTimeout: false },
    (error) => (error ? reject(error) : resolve()),
  );
  await promise;
  return async (key) => (await limiter.consume(`member-${key}`)).remainingPoints >= 0;
}

async function measure({ contestant, keys, callers, seconds }: Turn): Promise<number> {
  const ask = askers[contestant];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let admitted = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < endsAt) {
        if (!(await ask(Math.floor(Math.random() * keys)))) throw new Error(`${contestant} refused`);
        admitted++;
      }
    }),
  );
  return admitted / ((performance.now() - startedAt) / 1_000);
}

/** All keys are there before anything is measured. */
async function warmUp(): Promise<void> {
  for (const ask of Object.values(askers)) {
    for (let key = 0; key < mostKeys; key += 100) await Promise.all(Array.from({ length: 100 }, (_, index) => ask(key + index)));
  }
}

await warmUp();
process.on('message', (turn: Turn) => {
  void measure(turn).then((perSecond) => process.send?.({ perSecond }));
});
process.on('SIGTERM', () => process.exit(0));
process.send?.({ url: 'none' });
