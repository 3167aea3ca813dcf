import type { Act } from '../audit/act.service.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';

/** Keys that were made by keys that were made by keys: each is looked at by every start with the last. */
const mostMakers = 100;

/**
 * The keys (uuids) whose budgets count the calls of a key that the caller makes, beside its own: the one in use and those that made that one; and
 * where it takes the place of `replaced`, those that made it. Nobody gets out from under a budget by making a key, or by rotating one. CONFLICT for too many.
 */
export async function makersBy(act: Act, { tenantId, keyId }: Scope, replaced: string | null = null): Promise<string[]> {
  const tenant = uuidOf(tenantId, 'ten');
  const own = keyId === null || keyId === replaced ? null : uuidOf(keyId, 'key');
  const old = replaced === null ? null : uuidOf(replaced, 'key');
  if (own === null && old === null) return [];
  // Whoever rotates the key in use waits for this, or is waited for: what follows sees where its budgets are.
  if (own !== null) await act.sql((tag) => tag`select from api_keys where tenant_id = ${tenant} and id = ${own} for share`);
  const rows = await act.sql<{ maker: string }>(
    (tag) => tag`
      select distinct m.maker::text as maker from api_keys k
        left join api_keys n on n.tenant_id = k.tenant_id and n.replaces_id = k.id,
        unnest(case when k.id = ${own}::uuid then array[coalesce(n.id, k.id)] || k.makers else k.makers end) m(maker)
      where k.tenant_id = ${tenant} and k.id in (${own}::uuid, ${old}::uuid) and m.maker is distinct from ${old}::uuid`,
  );
  if (rows.length > mostMakers)
    throw new AppError('CONFLICT', `keys make keys that make keys at most ${mostMakers} deep: make this one with an older key`);
  return rows.map(({ maker }) => maker);
}

/**
 * FORBIDDEN for a key that a budget counts, its own or that of a key that made it, where it would let others start what counts for no key (`whose`, for
 * the message): whom it invites, the owner of a tenant that it makes, people of an issuer. It would be out from under that budget. One that is set later
 * does not reach what there was before.
 */
export async function refuseCapped(act: Act, scope: Scope, whose: string): Promise<void> {
  const keys = await makersBy(act, scope);
  if (keys.length === 0) return;
  const [capped] = await act.sql<{ id: string }>(
    (tag) =>
      tag`select id from budgets where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and key_id = any (${keys}::uuid[]) limit 1`,
  );
  if (!capped) return;
  const budget = idOfUuid('bud', capped.id);
  throw new AppError(
    'FORBIDDEN',
    `this key is under a budget (${budget}) that would not count what ${whose} start: use another one`,
  );
}

/**
 * Gives the budgets of a key, with their counts, to the one that replaces it: they count both from now on, as long as the old one goes on, and
 * the keys that either made. Their ids.
 */
export async function handBudgets(act: Act, { tenantId }: Scope, from: string, to: string): Promise<string[]> {
  const [tenant, old, next] = [uuidOf(tenantId, 'ten'), uuidOf(from, 'key'), uuidOf(to, 'key')];
  await act.sql(
    (tag) => tag`
      update api_keys set makers = array_replace(makers, ${old}::uuid, ${next}::uuid)
      where tenant_id = ${tenant} and ${old}::uuid = any (makers)`,
  );
  const moved = await act.sql<{ id: string }>(
    (tag) => tag`
      update budgets set key_id = ${next}::uuid where tenant_id = ${tenant} and key_id = ${old}::uuid returning id`,
  );
  return moved.map(({ id }) => idOfUuid('bud', id));
}
