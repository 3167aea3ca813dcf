import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { sql } from '../db/statement.ts';
import { newId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { callAlone, type LedgerService, type Question, type Used } from './ledger.service.ts';

/** Pays for calls that are no generation's: those that try a model. They count for budgets in money and in tokens, not as generations. */
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
    const whose = { tenant: sql`${uuidOf(scope.tenantId, 'ten')}::uuid`, generation: sql`${uuidOf(id, 'gen')}::uuid` };
    return {
      mostCostMicros: ledger.needOf(question.plan, question).costMicros,
      settle: async (used: Used): Promise<void> => {
        const rows = await connection
          .sql<{ reached: string[] | null }>((tag) => tag`select ${ledger.settled(tag, whose, callAlone, used)} as reached`)
          // What cannot be settled now is swept later, by all that was reserved.
          .catch(() => []);
        ledger.tell(rows[0]?.reached);
      },
    };
  }
}
