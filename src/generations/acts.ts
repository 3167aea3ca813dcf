import type { Act } from '../audit/act.service.ts';
import type { LedgerService } from '../budgets/ledger.service.ts';
import { uuidOf } from '../db/ids.ts';
import { noSuchGeneration } from './generation.view.ts';
import type { Scope } from '../kernel/scope.ts';
import type { GenerationStatus } from './generations.table.ts';
import type { Recipe } from './insert.ts';
import { withinReach } from './list.ts';

/** What the audit log tells of a generation that begins: nothing of the facts, and nothing of the letter. */
export function toldOf({ templateSlug, templateVersionId, retryOf, requestedModel }: Recipe): Record<string, unknown> {
  return { template: templateSlug, templateVersion: templateVersionId, retryOf, model: requestedModel };
}

/** Asks for the end of a generation; `isAsked` is false when it had ended. NOT_FOUND when there is none within reach. */
export async function askForEnd(
  act: Act,
  scope: Scope,
  id: string,
  ledger: LedgerService,
): Promise<{ readonly isAsked: boolean }> {
  const [row] = await act.sql<{ was: GenerationStatus; was_requested: boolean; status: GenerationStatus | null }>(
    (sql) => sql`
      with one as (
        select tenant_id, id, status, cancel_requested_at is not null as is_requested from generations
        where tenant_id = ${uuidOf(scope.tenantId)} and id = ${uuidOf(id)} ${withinReach(sql, scope)} for update
      ), asked as (
        update generations g
        set cancel_requested_at = coalesce(g.cancel_requested_at, now()),
            text = case when g.status = 'QUEUED' then '' end,
            finished_at = case when g.status = 'QUEUED' then now() end,
            status = case when g.status = 'QUEUED' then 'CANCELLED' else g.status end
        from one where g.tenant_id = one.tenant_id and g.id = one.id and one.status in ('QUEUED', 'RUNNING')
        returning g.tenant_id, g.id, g.status
      )
      select one.status as was, one.is_requested as was_requested, asked.status,
             case when asked.status = 'CANCELLED' then ${ledger.closed(sql, { tenant: sql`asked.tenant_id`, generation: sql`asked.id` }, sql`true`)} end
      from one left join asked on true`,
  );
  if (!row) throw noSuchGeneration(['input', 'id']);
  const before = { status: row.was, isCancelRequested: row.was_requested };
  const isAsked = row.status !== null;
  act.record({ thing: id, before, after: isAsked ? { status: row.status, isCancelRequested: true } : before });
  return { isAsked };
}

/** Deletes a generation with all that stands for it; gives the budgets that `LedgerService.tell` is to tell of. NOT_FOUND when there is none within reach. */
export async function forget(act: Act, scope: Scope, id: string, ledger: LedgerService): Promise<readonly string[] | null> {
  const [gone] = await act.sql<{ status: GenerationStatus; template_slug: string; reached: string[] | null }>(
    (sql) => sql`
      with gone as (
        delete from generations where tenant_id = ${uuidOf(scope.tenantId)} and id = ${uuidOf(id)} ${withinReach(sql, scope)}
        returning tenant_id, id, status, template_slug
      ), forgotten as (
        delete from idempotency_keys k using gone g where k.tenant_id = g.tenant_id and k.thing_id = g.id
      )
      select status, template_slug, ${ledger.closed(sql, { tenant: sql`gone.tenant_id`, generation: sql`gone.id` }, sql`gone.status = 'QUEUED'`)} as reached
      from gone`,
  );
  if (!gone) throw noSuchGeneration(['input', 'id']);
  act.record({ thing: id, before: { status: gone.status, template: gone.template_slug }, after: null });
  return gone.reached;
}
