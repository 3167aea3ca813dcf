import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Permission } from '../kernel/scope.ts';
import { permissionsOfKey, permissionsOfRoles } from './roles.ts';

/** Access ends within 5 s: 3 s that a proof may be remembered, this long to the next look, and the look. */
export const lookMs = 1_500;
export const lookDeadlineMs = 3_000;

/** How it stands with what proved somebody: what they may do now, and for how long; or why it is over. */
export type Standing =
  | { readonly held: ReadonlySet<Permission>; /** Infinity without an end. */ readonly endsInMs: number; readonly refusal: null }
  | { readonly refusal: AppError };

/** A key and how it stands with it: null when it is over. */
export interface KeyStanding {
  readonly id: string;
  readonly tenantId: string;
  readonly memberId: string;
  readonly secretHash: string;
  readonly standing: Standing | null;
}

interface KeyRow {
  id: string;
  tenant_id: string;
  member_id: string;
  secret_hash: string;
  permissions: string[];
  roles: string[];
  own: string[];
  runs_installation: boolean;
  is_suspended: boolean;
  is_valid: boolean;
  expires_in_ms: number | null;
}

/**
 * How it stands with keys, by id: what the key may do, as far as its member's role may, or the roles of their last token. Those that are unknown are missing; those that
 * are revoked or expired, of removed members or deleted tenants, are over. One of the acts without a tenant (protocol.md, rule 20): before a key is
 * found nobody knows whose it is.
 */
export async function readKeyStandings(
  engine: Statements,
  ids: readonly string[],
  options: { readonly deadlineMs?: number } = {},
): Promise<Map<string, KeyStanding>> {
  const rows = await engine.sql<KeyRow>(
    (sql) => sql`
      select k.id, k.tenant_id, k.member_id, k.secret_hash, k.permissions, t.runs_installation,
        coalesce(m.claimed_roles, array[m.role]) as roles,
        array(
          select unnest(r.permissions) from roles r
          where r.tenant_id = m.tenant_id and r.name = any(coalesce(m.claimed_roles, array[m.role]))) as own,
        t.suspended_at is not null as is_suspended,
        k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and m.removed_at is null and t.deleted_at is null as is_valid,
        (extract(epoch from k.expires_at - now()) * 1000)::float8 as expires_in_ms
      from api_keys k
      join members m on m.tenant_id = k.tenant_id and m.id = k.member_id
      join tenants t on t.id = k.tenant_id
      where k.id = any(${ids.map((id) => uuidOf(id, 'key'))}::uuid[])`,
    { idempotent: true, ...options },
  );
  return new Map(
    rows.map((row) => {
      const id = idOfUuid('key', row.id);
      const found = {
        id,
        tenantId: idOfUuid('ten', row.tenant_id),
        memberId: idOfUuid('mem', row.member_id),
        secretHash: row.secret_hash,
        standing: standingOf(row),
      };
      return [id, found];
    }),
  );
}

function standingOf(row: KeyRow): Standing | null {
  if (!row.is_valid) return null;
  if (row.is_suspended) return { refusal: suspended() };
  const tenant = { runsInstallation: row.runs_installation };
  const held = permissionsOfKey(row.permissions, permissionsOfRoles(row.roles, row.own, tenant));
  return { held, endsInMs: row.expires_in_ms ?? Infinity, refusal: null };
}

/** What people of a suspended tenant are told. */
export function suspended(): AppError {
  return new AppError('FORBIDDEN', 'this tenant is suspended');
}

/** Whether both may do the same. */
export function isSameSet(one: ReadonlySet<Permission>, other: ReadonlySet<Permission>): boolean {
  return one === other || (one.size === other.size && [...one].every((permission) => other.has(permission)));
}
