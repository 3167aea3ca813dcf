import { serviceDeedsRecorded } from '../audit/record.service.ts';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Bus } from '../messages/bus.ts';
import { sendHint } from '../messages/postgres-bus.ts';
import { noSetting, readSetting, type ModelSetting } from './model-setting.ts';
import type { Models } from './models.ts';

/** What is set of a model. */
export interface StoredModelSetting extends ModelSetting {
  readonly id: string;
}

/** How often each process reads the settings. What was set holds elsewhere when its hint arrives, and if that is lost at the next look. */
const lookMs = 2_000;
/** More is not read: a catalogue, not a store. */
const mostSettings = 2_000;

/** What the service is built on. */
export interface ModelSettingParts {
  readonly database: Database;
  readonly models: Models;
  readonly bus: Bus;
  readonly log: Log;
}

/** Keeps what operators say of models in the catalogue of this process. */
export class ModelSettingService {
  private readonly rounds = new Rounds(() => this.round());
  private isAway = false;
  private readonly unsubscribe: (() => void)[] = [];

  constructor(private readonly parts: ModelSettingParts) {}

  /** Resolves when the catalogue holds what is set now. */
  async open(): Promise<void> {
    const { models, database, bus } = this.parts;
    models.configure(await readModelSettings(database.engine));
    this.rounds.open(lookMs);
    const look = (): void => this.rounds.ask();
    this.unsubscribe.push(bus.on('model.changed', look), bus.onGap(look));
  }

  close(): Promise<void> {
    for (const stop of this.unsubscribe) stop();
    return this.rounds.close();
  }

  private async round(): Promise<void> {
    const { database, models, log } = this.parts;
    try {
      models.configure(await readModelSettings(database.engine));
      this.isAway = false;
    } catch (err) {
      // What was read last goes on holding.
      if (!this.isAway) log.warn({ err }, 'the settings of models could not be read');
      this.isAway = true;
    }
  }
}

/** All settings, by model. One of the acts without a tenant (protocol.md, rule 20), as are the two below. */
export async function readModelSettings(engine: Statements): Promise<StoredModelSetting[]> {
  return engine.sql<StoredModelSetting>(
    (sql) => sql`
      select id, context_window as "contextWindow", max_output_tokens as "maxOutputTokens",
             has_structured_output as "hasStructuredOutput", retires_at as "retiresAt", prices
      from model_settings order by id limit ${mostSettings}`,
    { idempotent: true },
  );
}

/** Sets what is named in `changes`, texts as an operator types them; on record, and heard by all processes at once. INVALID_INPUT says what is wrong. */
export async function setModel(
  database: Database,
  id: string,
  changes: ReadonlyMap<string, string>,
): Promise<StoredModelSetting> {
  if (!/^[a-z0-9-]{1,60}\/\S{1,200}$/.test(id)) {
    throw new AppError('INVALID_INPUT', `${id} is no model: they are named <provider>/<name>`);
  }
  if (changes.size === 0) throw new AppError('INVALID_INPUT', 'there is nothing to set');
  const change = Object.assign({}, ...[...changes].map(([name, text]) => readSetting(name, text))) as Partial<ModelSetting>;
  const next = await database.engine.transaction(async (transaction) => {
    const stored = await lockSetting(transaction, id);
    const set = { ...(stored ?? { id, ...noSetting }), ...change };
    await transaction.sql(
      (sql) => sql`
        insert into model_settings (id, context_window, max_output_tokens, has_structured_output, retires_at, prices)
        values (${id}, ${set.contextWindow}, ${set.maxOutputTokens}, ${set.hasStructuredOutput}, ${set.retiresAt},
                ${set.prices && sql.json(set.prices)}::jsonb)
        on conflict (id) do update
        set context_window = excluded.context_window, max_output_tokens = excluded.max_output_tokens,
            has_structured_output = excluded.has_structured_output, retires_at = excluded.retires_at, prices = excluded.prices, changed_at = now()`,
    );
    await record(transaction, { operation: 'modelSet', id, before: stored, after: set });
    return set;
  });
  await sendHint(database, 'model.changed', [id]);
  return next;
}

/** Goes back to what is built in; NOT_FOUND when nothing is set. */
export async function removeModel(database: Database, id: string): Promise<void> {
  await database.engine.transaction(async (transaction) => {
    const stored = await lockSetting(transaction, id);
    if (!stored) throw new AppError('NOT_FOUND', `nothing is set of ${id}`);
    await transaction.sql((sql) => sql`delete from model_settings where id = ${id}`);
    await record(transaction, { operation: 'modelReset', id, before: stored, after: null });
  });
  await sendHint(database, 'model.changed', [id]);
}

/** What is set of a model. Until the end of the transaction nobody else can change any setting. */
async function lockSetting(transaction: Statements, id: string): Promise<StoredModelSetting | null> {
  await transaction.sql((sql) => sql`select pg_advisory_xact_lock(7233918454)`);
  return (await readModelSettings(transaction)).find((each) => each.id === id) ?? null;
}

interface Told {
  readonly operation: 'modelSet' | 'modelReset';
  readonly id: string;
  readonly before: StoredModelSetting | null;
  readonly after: StoredModelSetting | null;
}

/** A model belongs to no tenant: what is said of it is on record in the tenants that run the installation. */
async function record(transaction: Statements, { operation, id, before, after }: Told): Promise<void> {
  const running = await transaction.sql<{ id: string }>(
    (sql) => sql`select id from tenants where runs_installation and deleted_at is null order by id`,
  );
  const deeds = running.map((tenant) => ({
    tenantId: idOfUuid('ten', tenant.id),
    service: 'admin' as const,
    operation,
    thing: id,
    before: before && saidOf(before),
    after: after && saidOf(after),
  }));
  if (deeds.length > 0) await transaction.sql((sql) => serviceDeedsRecorded(sql, deeds));
}

/** What is said, and nothing of what is not. */
function saidOf({ id: _id, ...setting }: StoredModelSetting): Record<string, unknown> {
  return Object.fromEntries(Object.entries(setting).filter(([, value]) => value !== null));
}
