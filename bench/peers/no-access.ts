import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** What of the built product is used; Node cannot strip the types of its sources, and its tables are no part of this project. */
interface Product {
  readConfig(env: object): object;
  openApp(config: object, surroundings: object): Promise<{ readonly url: string; stop(): Promise<unknown> }>;
  openLog(options: object): object;
  openDatabase(config: object, parts: object): Promise<Database>;
  KeyService: new (database: Database, secret: string) => { authenticate(credentials: object): Promise<object> };
}

interface Database {
  as(scope: object): object;
  connection(pool: object, tenant: string): object;
  /** The connections of the role whom the policies bind, none of which is open yet. */
  readonly app: { readonly options: { readonly parameters: { role: string } } };
}

const [app, config, log, client, access] = await Promise.all(
  ['app', 'config', 'kernel/log', 'db/client', 'access/key.service'].map(
    (name) => import(new URL(`../../dist/${name}.js`, import.meta.url).href),
  ),
);
const product: Product = { ...app, ...config, ...log, ...client, ...access };
const { DATABASE_URL = '', DATABASE_SOCKET: socketPath, KEY } = process.env;
const owner = decodeURIComponent(new URL(DATABASE_URL).username);

/** All statements as the owner of the database, whom no policy binds; all else, and how statements travel, as in the product. */
async function openUnwalled(settings: object, parts: object): Promise<Database> {
  const database = await product.openDatabase({ ...settings, socketPath }, parts);
  database.app.options.parameters.role = owner;
  // Which tenant's does not matter to the owner; it is one for all, and so said once a connection.
  const connection = database.connection(database.app, '00000000-0000-0000-0000-000000000000');
  database.as = () => connection;
  scope = await new product.KeyService(database, 'development').authenticate({ authorization: `Bearer ${KEY}` });
  return database;
}

let scope: object = {};
const running = await product.openApp(
  product.readConfig({
    DATABASE_URL,
    PORT: '0',
    DATA_DIR: await mkdtemp(path.join(os.tmpdir(), 'draftwire-bench-')),
    OFFLINE_TOKENS_PER_SECOND: '0',
    LOG_LEVEL: 'warn',
  }),
  {
    log: product.openLog({ level: 'warn' }),
    openDatabase: openUnwalled,
    // What limits a caller is named here as it comes to the pipeline.
    pipeline: { authenticate: () => Promise.resolve(scope), admit: undefined, watch: undefined },
    hasProcessMetrics: true,
  },
);
process.on('SIGTERM', () => void running.stop().then(() => process.exit(0)));
process.send?.({ url: running.url });
