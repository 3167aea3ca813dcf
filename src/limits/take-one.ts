import { sql, type Statement } from '../db/statement.ts';
import type { CostAsk } from './cost.ts';
import { windowSeconds } from './quota.ts';
import type { Ask, GrantRow } from './take.ts';

/** What the function `take_request` answers; null where there is no such bucket yet. */
export interface OneTaken {
  readonly granted: number | null;
  readonly memberLeft: number;
  readonly memberReset: number;
  readonly tenantLeft: number;
  readonly tenantReset: number | null;
  readonly costGranted: number | null;
  readonly costLeft: number;
  readonly costEpoch: number;
}

/** The length of an epoch. Reservations are kept by the epoch in which they were made, and for the one after; a request lasts less than one. */
export const epochSeconds = 60;
const nothing = { epoch: 0, reserved: 0 };

/** The statement for requests of one member whose key has no limits, which is nearly always enough: a call of a function of the database. Null for other asks. */
export function takenOne(tenantUuid: string, asks: readonly Ask[], cost: CostAsk | null, mark: string | null): Statement | null {
  const [tenant, own] = asks;
  if (asks.length !== 2 || tenant?.kind !== 'tenant' || own?.kind !== 'requests' || own.key) return null;
  const { costLimit, settlements } = cost ?? { costLimit: { maximum: 0, restoreRate: 0 }, settlements: [] };
  // Older ones are dropped in the row, so there is nothing to give back for them.
  const [last = nothing, before = nothing] =
    settlements.length < 2 ? settlements : settlements.toSorted((a, b) => b.epoch - a.epoch);
  const actual = settlements.reduce((sum, each) => sum + each.actual, 0);
  // Written with `with`, since a plain select is taken for a read: reads go out together, and all of them would wait when this one waits for a row.
  return sql`with taken as materialized (
      select * from take_request(${tenantUuid}::uuid, ${own.subject}::uuid, ${own.count}::int, ${own.most}::int, ${tenant.most}::int,
        ${windowSeconds}::int, ${mark}::text, ${cost !== null}::boolean, ${cost?.cost ?? 0}::int, ${cost?.least ?? 0}::int,
        ${costLimit.maximum}::int, ${costLimit.restoreRate}::float8, ${actual}::float8, ${last.epoch}::int, ${last.reserved}::int,
        ${before.epoch}::int, ${before.reserved}::int, ${epochSeconds}::int)
    ) select granted, member_left as "memberLeft", member_reset as "memberReset", tenant_left as "tenantLeft", tenant_reset as "tenantReset",
        cost_granted as "costGranted", cost_left as "costLeft", cost_epoch as "costEpoch" from taken`;
}

/** The rows of an answer, however it was asked for. */
export function rowsOf(rows: readonly (GrantRow | OneTaken)[], [, own]: readonly Ask[], tenantUuid: string): readonly GrantRow[] {
  const [one] = rows;
  if (!one || !('memberLeft' in one)) return rows as readonly GrantRow[];
  const { granted, tenantReset, costGranted } = one;
  const found: GrantRow[] = [];
  if (own && granted !== null)
    found.push({ subject: own.subject, kind: own.kind, granted, left: one.memberLeft, resetMs: one.memberReset, epoch: null });
  if (tenantReset !== null)
    found.push({
      subject: tenantUuid,
      kind: 'tenant',
      granted: granted ?? 0,
      left: one.tenantLeft,
      resetMs: tenantReset,
      epoch: null,
    });
  if (costGranted !== null)
    found.push({ subject: '', kind: 'tenant', granted: costGranted, left: one.costLeft, resetMs: 0, epoch: one.costEpoch });
  return found;
}
