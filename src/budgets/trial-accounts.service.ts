import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { sql, type SqlTag, type Statement } from '../db/statement.ts';
import { newId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { TrialAccount, TrialAccounts, TrialQuestion, TrialUsed } from '../routing/route-trial.service.ts';
import { callAlone, type LedgerService } from './ledger.service.ts';

/** How long calls are kept: longer than `usage` looks back at once. */
const keptDays = 400;

/**
 * Pays for the calls that try a model (`routeTest`). They count for budgets in money and in tokens, but not as generations. What they used is kept for
 * `usage`, apart from generations.
 */
export class TrialAccountsService implements TrialAccounts {
  constructor(private readonly parts: { readonly database: Database; readonly ledger: LedgerService }) {}

  async open(scope: Scope, model: string, asked: TrialQuestion): Promise<TrialAccount> {
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
          // What cannot be settled now is settled by a sweep, as used in full.
          .catch(() => []);
        ledger.tell(rows[0]?.reached);
      },
    };
  }
}
