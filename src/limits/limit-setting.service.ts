import type { ActService } from '../audit/act.service.ts';
import { serviceDeedsRecorded } from '../audit/record.service.ts';
import type { Connection, Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { sendHint } from '../messages/postgres-bus.ts';
import {
  costNames,
  highestLimit,
  keyLimitNames,
  limitNames,
  tenantLimitKeys,
  type AnyLimitName,
  type KeyLimits,
  type TenantLimitName,
  type TenantLimits,
} from './names.ts';
import type { Policy } from './policy.ts';
import type { SlotService } from './slot.service.ts';
import { readUsage, type Usage, type Used } from './usage.ts';

/** A limit as people see it; null means no limit. */
export interface LimitView {
  readonly name: AnyLimitName;
  readonly most: number | null;
  readonly ceiling: number | null;
  readonly left: number | null;
  readonly resetAt: Date | null;
}

/** A limit to set; null for as much as the installation allows. */
export interface LimitChange {
  readonly name: AnyLimitName;
  readonly most?: number | null;
}

/** What the settings are built on. */
export interface LimitSettingParts {
  readonly database: Database;
  readonly policy: Policy;
  readonly slots: SlotService;
  readonly acts: ActService;
  readonly bus: Bus;
}

interface StoredRow {
  name: TenantLimitName | (typeof costNames)[keyof typeof costNames];
  ceiling: number | null;
  own: number | null;
}

const byName: ReadonlyMap<string, keyof TenantLimits> = new Map(tenantLimitKeys.map((key) => [limitNames[key], key]));
/** Only an operator sets limits of costs, so they are not among `byName`. */
const ceilingNames: readonly string[] = [...byName.keys(), ...Object.values(costNames)];
const keyKinds = Object.keys(keyLimitNames) as (keyof KeyLimits)[];

/** Shows the limits that hold, and lets a tenant set them below what the installation allows. */
export class LimitSettingService {
  constructor(private readonly parts: LimitSettingParts) {}

  /** All limits that hold for the caller, and what is left of each now. */
  async list(scope: Scope): Promise<LimitView[]> {
    const { database, policy, slots } = this.parts;
    const connection = database.as(scope);
    const [{ tenant, key }, stored, used] = await Promise.all([
      policy.of(scope),
      read(connection, scope.tenantId),
      readUsage(connection, scope, slots.graceMs),
    ]);
    const views = tenantLimitKeys.map((limit) => {
      const ceiling = policy.ceilingOf(limit, stored.get(limitNames[limit])?.ceiling ?? null);
      return viewOf(limitNames[limit], tenant[limit], ceiling, this.usageOf(scope, used, limit));
    });
    const { keyId } = scope;
    if (!key || keyId === null) return views;
    const own = keyKinds.filter((kind) => key[kind] > 0);
    return [...views, ...own.map((kind) => viewOf(keyLimitNames[kind], key[kind], 0, this.usedBy(scope, used, keyId, kind)))];
  }

  /** Sets limits of the caller's tenant. INVALID_INPUT names the one that is above what the installation allows. */
  async update(scope: Scope, changes: readonly LimitChange[]): Promise<LimitView[]> {
    scope.require('limits:write');
    const wanted = checked(changes);
    const { acts, bus, policy } = this.parts;
    await acts.run(scope, { operation: 'tenantLimitsUpdate', input: {}, idempotent: true }, async (act) => {
      const stored = await read(act, scope.tenantId);
      wanted.forEach(({ name, most }, index) => {
        const ceiling = policy.ceilingOf(byName.get(name) ?? 'member', stored.get(name)?.ceiling ?? null);
        if (most === null || ceiling === 0 || most <= ceiling) return;
        throw new AppError('INVALID_INPUT', `${name} is ${most}, above the ${ceiling} that the installation allows`, {
          path: ['input', 'limits', index, 'most'],
        });
      });
      await act.sql(
        (sql) => sql`
          insert into tenant_limits as l (tenant_id, name, own)
          select ${uuidOf(scope.tenantId, 'ten')}::uuid, name, own
          from unnest(${wanted.map(({ name }) => name)}::text[], ${wanted.map(({ most }) => most)}::int[]) as w(name, own) order by name
          on conflict (tenant_id, name) do update set own = excluded.own`,
      );
      const before = Object.fromEntries(wanted.map(({ name }) => [name, stored.get(name)?.own ?? null]));
      act.record({ thing: scope.tenantId, before, after: Object.fromEntries(wanted.map(({ name, most }) => [name, most])) });
    });
    // Here at once, elsewhere with the hint.
    bus.publish('limits.changed', [scope.tenantId]);
    return this.list(scope);
  }

  private usageOf(scope: Scope, used: Used, limit: keyof TenantLimits): Usage {
    switch (limit) {
      case 'member':
        return used(scope.memberId, 'requests');
      case 'tenant':
        return used(scope.tenantId, 'requests');
      case 'starts':
        return used(scope.memberId, 'starts');
      case 'memberGenerations':
        return used(scope.memberId, 'generations');
      case 'tenantGenerations':
        return used(scope.tenantId, 'generations');
      case 'memberSockets':
        return this.usedBy(scope, used, scope.memberId, 'sockets');
      case 'tenantSockets':
        return this.usedBy(scope, used, scope.tenantId, 'sockets');
      case 'memberSubscriptions':
        return this.usedBy(scope, used, scope.memberId, 'subscriptions');
      case 'tenantSubscriptions':
        return this.usedBy(scope, used, scope.tenantId, 'subscriptions');
      default:
        return limit satisfies never;
    }
  }

  /** What is used of slots. Those that this process only holds in reserve are not. */
  private usedBy(scope: Scope, used: Used, id: string, kind: keyof KeyLimits): Usage {
    const usage = used(id, kind);
    if (kind !== 'sockets' && kind !== 'subscriptions') return usage;
    return { ...usage, used: usage.used - this.parts.slots.spareOf(scope, id, kind) };
  }
}

/**
 * Sets what an operator allows a tenant: ceilings by name, 0 for any amount, null for what is configured; gives all that are set. One of the
 * acts without a tenant (protocol.md, rule 20). INVALID_INPUT and NOT_FOUND name the offender.
 */
export async function setCeilings(
  database: Database,
  tenantId: string,
  ceilings: ReadonlyMap<string, number | null>,
): Promise<readonly StoredRow[]> {
  for (const [name, most] of ceilings) {
    if (!ceilingNames.includes(name)) {
      throw new AppError('INVALID_INPUT', `there is no limit ${name}, only ${ceilingNames.join(', ')}`);
    }
    if (most !== null && (!Number.isInteger(most) || most < 0 || most > highestLimit)) {
      throw new AppError('INVALID_INPUT', `${name} is not a whole number from 0 to ${highestLimit}`);
    }
  }
  const tenantUuid = uuidOfId(tenantId, 'ten');
  const known =
    tenantUuid === null
      ? []
      : await database.engine.sql((sql) => sql`select id from tenants where id = ${tenantUuid}::uuid`, { idempotent: true });
  if (known.length === 0) throw new AppError('NOT_FOUND', `there is no tenant ${tenantId}`);
  const before = await read(database.engine, tenantId);
  if (ceilings.size === 0) return [...before.values()];
  await database.engine.transaction(async (transaction) => {
    await transaction.sql(
      (sql) => sql`
        insert into tenant_limits (tenant_id, name, ceiling)
        select ${tenantUuid}::uuid, name, ceiling
        from unnest(${[...ceilings.keys()]}::text[], ${[...ceilings.values()]}::int[]) as w(name, ceiling) order by name
        on conflict (tenant_id, name) do update set ceiling = excluded.ceiling`,
    );
    const was = Object.fromEntries([...ceilings.keys()].map((name) => [name, before.get(name)?.ceiling ?? null]));
    const deed = { thing: tenantId, before: { ceilings: was }, after: { ceilings: Object.fromEntries(ceilings) } };
    await transaction.sql((sql) =>
      serviceDeedsRecorded(sql, [{ tenantId, service: 'admin', operation: 'tenantLimitsUpdate', ...deed }]),
    );
  });
  await sendHint(database, 'limits.changed', [tenantId]);
  return [...(await read(database.engine, tenantId)).values()];
}

async function read(statements: Statements | Connection, tenantId: string): Promise<Map<string, StoredRow>> {
  const rows = await statements.sql<StoredRow>(
    (sql) => sql`select name, ceiling, own from tenant_limits where tenant_id = ${uuidOf(tenantId, 'ten')}::uuid order by name`,
    { idempotent: true },
  );
  return new Map(rows.map((row) => [row.name, row]));
}

function viewOf(name: AnyLimitName, most: number, ceiling: number, { used, resetAt }: Usage): LimitView {
  const isLimited = most > 0;
  return {
    name,
    most: isLimited ? most : null,
    ceiling: ceiling > 0 ? ceiling : null,
    left: isLimited ? Math.max(0, most - used) : null,
    resetAt: isLimited && used > 0 ? resetAt : null,
  };
}

function checked(changes: readonly LimitChange[]): { readonly name: TenantLimitName; readonly most: number | null }[] {
  const path = ['input', 'limits'];
  if (changes.length === 0) throw new AppError('INVALID_INPUT', 'there is no limit to set', { path });
  const seen = new Set<string>();
  return changes.map(({ name, most = null }, index) => {
    if (!byName.has(name))
      throw new AppError('INVALID_INPUT', `${name} is set on the key, with apiKeyUpdate`, { path: [...path, index, 'name'] });
    if (seen.has(name)) throw new AppError('INVALID_INPUT', `${name} is there twice`, { path: [...path, index, 'name'] });
    seen.add(name);
    if (most !== null && (most < 1 || most > highestLimit)) {
      throw new AppError('INVALID_INPUT', `${name} is ${most}, not 1 to ${highestLimit}`, { path: [...path, index, 'most'] });
    }
    return { name: name as TenantLimitName, most };
  });
}
