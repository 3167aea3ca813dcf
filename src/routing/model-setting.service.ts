import type { Database } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import { noSetting, readSetting, type ModelSetting } from './model-setting.ts';
import type { Models } from './models.ts';

/** What is set of a model. */
export interface StoredModelSetting extends ModelSetting {
  readonly id: string;
}

/** So often each process looks whether an operator has said something else: what was set holds everywhere that much later at most. */
const lookMs = 2_000;
/** More is not read: a catalogue, not a store. */
const mostSettings = 2_000;

/** Keeps what operators say of models in the catalogue of this process. */
export class ModelSettingService {
  private readonly rounds = new Rounds(() => this.round());
  private isAway = false;

  constructor(private readonly parts: { readonly database: Database; readonly models: Models; readonly log: Log }) {}

  /** Resolves when the catalogue holds what is set now. */
  async open(): Promise<void> {
    this.parts.models.configure(await readModelSettings(this.parts.database));
    this.rounds.open(lookMs);
  }

  close(): Promise<void> {
    return this.rounds.close();
  }

  private async round(): Promise<void> {
    const { database, models, log } = this.parts;
    try {
      models.configure(await readModelSettings(database));
      this.isAway = false;
    } catch (err) {
      // What was read last goes on holding.
      if (!this.isAway) log.warn({ err }, 'the settings of models could not be read');
      this.isAway = true;
    }
  }
}

/** All settings, by model. One of the acts without a tenant (protocol.md, rule 20), as are the two below. */
export async function readModelSettings(database: Database): Promise<StoredModelSetting[]> {
  return database.engine.sql<StoredModelSetting>(
    (sql) => sql`
      select id, context_window as "contextWindow", max_output_tokens as "maxOutputTokens",
             has_structured_output as "hasStructuredOutput", retires_at as "retiresAt", prices
      from model_settings order by id limit ${mostSettings}`,
    { idempotent: true },
  );
}

/** Sets what is named in `changes`, texts as an operator types them. INVALID_INPUT says what is wrong. */
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
  const stored = (await readModelSettings(database)).find((each) => each.id === id) ?? { id, ...noSetting };
  const next = { ...stored, ...change };
  await database.engine.sql(
    (sql) => sql`
      insert into model_settings (id, context_window, max_output_tokens, has_structured_output, retires_at, prices)
      values (${id}, ${next.contextWindow}, ${next.maxOutputTokens}, ${next.hasStructuredOutput}, ${next.retiresAt},
              ${next.prices && sql.json(next.prices)}::jsonb)
      on conflict (id) do update
      set context_window = excluded.context_window, max_output_tokens = excluded.max_output_tokens,
          has_structured_output = excluded.has_structured_output, retires_at = excluded.retires_at, prices = excluded.prices, changed_at = now()`,
    { idempotent: true },
  );
  return next;
}

/** Goes back to what is built in; NOT_FOUND when nothing is set. */
export async function removeModel(database: Database, id: string): Promise<void> {
  const gone = await database.engine.sql((sql) => sql`delete from model_settings where id = ${id} returning id`);
  if (gone.length === 0) throw new AppError('NOT_FOUND', `nothing is set of ${id}`);
}
