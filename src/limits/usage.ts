import type { Connection } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Scope } from '../kernel/scope.ts';
import { windowSeconds } from './quota.ts';
import type { SlotKind } from './slots.table.ts';

/** What is used of a limit, and until when; null while no window runs, and for what is open. */
export interface Usage {
  readonly used: number;
  readonly resetAt: Date | null;
}

/** What a member, a key or a tenant uses: requests and starts of the running window, and what is open. */
export type Used = (id: string, kind: 'requests' | 'starts' | 'generations' | SlotKind) => Usage;

interface UsageRow {
  subject: string;
  kind: string;
  used: number;
  reset_at: Date | null;
}

const none: Usage = { used: 0, resetAt: null };

/** Reads all that counts against the limits of a caller, in one statement. */
export async function readUsage(tenant: Connection, { tenantId, memberId, keyId }: Scope, graceMs: number): Promise<Used> {
  const [tenantUuid, memberUuid] = [uuidOf(tenantId, 'ten'), uuidOf(memberId, 'mem')];
  const keyUuid = keyId === null ? null : uuidOf(keyId, 'key');
  const subjects = [tenantUuid, memberUuid, keyUuid].filter((each) => each !== null);
  const rows = await tenant.sql<UsageRow>(
    (sql) => sql`
      select subject, case kind when 'tenant' then 'requests' else kind end as kind, used,
        window_started_at + ${windowSeconds}::int * interval '1 second' as reset_at
      from rate_buckets
      where tenant_id = ${tenantUuid}::uuid and subject = any(${subjects}::uuid[])
        and window_started_at > now() - ${windowSeconds}::int * interval '1 second'
      union all
      select h.subject, h.kind, coalesce(sum((e.value ->> 'held')::int), 0)::int, null
      from held_slots h cross join lateral jsonb_each(h.holders) e
      join processes p on p.id = e.key::uuid and p.lease_until > now() - ${graceMs}::float8 * interval '1 millisecond'
      where h.tenant_id = ${tenantUuid}::uuid and h.subject = any(${subjects}::uuid[])
      group by h.subject, h.kind
      union all
      select s.subject, 'generations', s.used::int, null from (
        select count(*) as whole, count(*) filter (where member_id = ${memberUuid}::uuid) as own, count(*) filter (where key_id = ${keyUuid}::uuid) as of_key
        from generations where tenant_id = ${tenantUuid}::uuid and finished_at is null
      ) g cross join lateral (values (${tenantUuid}::uuid, whole), (${memberUuid}::uuid, own), (${keyUuid}::uuid, of_key)) s(subject, used)`,
    { idempotent: true },
  );
  const found = new Map(rows.map((row) => [`${row.subject} ${row.kind}`, { used: row.used, resetAt: row.reset_at }]));
  return (id, kind) => found.get(`${uuidOf(id)} ${kind}`) ?? none;
}
