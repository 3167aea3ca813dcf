import type { LedgerService, Need } from '../budgets/ledger.service.ts';
import type { Connection } from '../db/client.ts';
import type { SqlTag } from '../db/statement.ts';
import { unpaid } from './ending.ts';
import type { Failure } from './finish.ts';
import type { Run } from './run.ts';

/** What statements on runs are made with. */
export interface Books {
  readonly engine: Connection;
  readonly ledger: LedgerService;
}

const ofGeneration = (sql: SqlTag) => ({ tenant: sql`g.tenant_id`, generation: sql`g.id` });
const isHeld = (sql: SqlTag, { tenantUuid, uuid, epoch }: Run) =>
  sql`g.tenant_id = ${tenantUuid} and g.id = ${uuid} and g.epoch = ${epoch} and g.status = 'RUNNING'`;

/**
 * Reserves for the open attempt of a run that was taken over, and settles what the lost calls had reserved. False when the run is lost; fails where a
 * budget has no room. Repeating it is harmless.
 */
export async function coverTakeOver({ engine, ledger }: Books, run: Run, need: Need): Promise<boolean> {
  const rows = await engine.sql<{ reached: string[] | null }>(
    (sql) => sql`
      select ${ledger.renewed(sql, ofGeneration(sql), run.attempt.number - 1, { costMicros: null, tokens: null }, need)} as reached
      from generations g where ${isHeld(sql, run)}`,
    { idempotent: true },
  );
  ledger.tell(rows[0]?.reached);
  return rows.length === 1;
}

/** Reserves for the second of two calls of the open attempt, or gives that back (no `need`). False when the run is lost; fails where a budget has no room. */
export async function coverSecondCall({ engine, ledger }: Books, run: Run, need: Need | null): Promise<boolean> {
  const { number } = run.attempt;
  const rows = await engine.sql(
    (sql) => sql`
      select ${need ? ledger.doubled(sql, ofGeneration(sql), number, need) : ledger.returned(sql, ofGeneration(sql), number)}
      from generations g where ${isHeld(sql, run)}`,
    { idempotent: true },
  );
  return rows.length === 1;
}

/** What `work` says, or the failure that it is where a budget has no room for the call. */
export async function orRefused(ledger: LedgerService, work: () => Promise<boolean>): Promise<boolean | Failure> {
  try {
    return await work();
  } catch (error) {
    const refusal = ledger.refusal(error);
    if (!refusal) throw error;
    return unpaid(refusal);
  }
}
