import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { sql, type SqlTag, type Statement } from '../db/statement.ts';
import { newId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { callAlone, type LedgerService, type Question } from './ledger.service.ts';

/** What a call that tried a model used; null for what nobody knows. */
export interface TrialUsed {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costMicros: number | null;
  /** Whether its price is not known: then it counts as nothing, for budgets that allow that. */
  readonly isUnpriced: boolean;
}

/** So long calls are kept: longer than `usage` looks back at once. */
const keptDays = 400;

/**
 * Pays for calls that are no generation's: those that try a model. They count for budgets in money and in tokens, not as generations, and are kept for
 * `usage`, apart from those.
 */
export class TrialAccountsService {
  constructor(private readonly parts: { readonly database: Database; readonly ledger: LedgerService }) {}

  /** Reserves for a call by `model`, until it is settled by what it used (null: by all of that); throws BUDGET_EXCEEDED and PRICE_UNKNOWN. */
  async open(scope: Scope, model: string, asked: Pick<Question, 'messages' | 'maxOutputTokens'>) {
    const { database, ledger } = this.parts;
    const connection = database.as(scope);
    const id = newId('gen');
    const question = { ...asked, plan: { models: [model], branches: {} }, guards: null, variables: {} };
    const reserved = ledger.reserving(scope, { ...question, id, metadata: null, isAlone: true });
    try {
      await connection.sql((tag) => tag`select ${reserved(tag)} as is_reserved`);
    } catch (error) {
      throw ledger.refusal(error) ?? error;
    }
    const { costMicros: mostCostMicros } = ledger.needOf(question.plan, question);
    const whose = { tenant: sql`${uuidOf(scope.tenantId, 'ten')}::uuid`, generation: sql`${uuidOf(id, 'gen')}::uuid` };
    return {
      mostCostMicros,
      settle: async ({ inputTokens, outputTokens, costMicros, isUnpriced }: TrialUsed): Promise<void> => {
        const tokens = inputTokens === null || outputTokens === null ? null : inputTokens + outputTokens;
        const used = { tokens, costMicros: isUnpriced ? 0 : costMicros };
        const most = isUnpriced ? null : mostCostMicros;
        const { memberId, keyId } = scope;
        const kept = (tag: SqlTag): Statement => tag`
          with gone as (
            delete from model_trials where tenant_id = ${whose.tenant} and created_at < now() - make_interval(days => ${keptDays}::int)
          ), kept as (
            insert into model_trials (tenant_id, id, member_id, key_id, model, input_tokens, output_tokens, cost_micros, most_cost_micros)
            values (${whose.tenant}, ${whose.generation}, ${uuidOf(memberId, 'mem')}::uuid, ${keyId === null ? null : uuidOf(keyId, 'key')}::uuid,
              ${model}, ${inputTokens}::int, ${outputTokens}::int, ${isUnpriced ? null : costMicros}::bigint, ${most}::bigint)
          )`;
        const rows = await connection
          .sql<{ reached: string[] | null }>(
            (tag) =>
              tag`${tokens === 0 ? tag`` : kept(tag)} select ${ledger.settled(tag, scope.tenantId, whose, callAlone, used)} as reached`,
          )
          // What cannot be settled now is swept later, by all that was reserved.
          .catch(() => []);
        ledger.tell(rows[0]?.reached);
      },
    };
  }
}
