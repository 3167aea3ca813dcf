import { and, eq, getTableColumns, inArray, isNull, or, sql, type SQL } from 'drizzle-orm';
import type { Act, ActService, Deed } from '../audit/act.service.ts';
import { rowsById } from '../db/by-id.ts';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { tenantPage, type Page, type PageInput } from '../db/page.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { checkMoment, checkRange, givenName } from '../kernel/given.ts';
import { newId, uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { permissionsGiven, requireHeld } from './hand-out.ts';
import { limitsFor, limitsOf, limitsOfCaller, requireNoLooser, type AskedLimits, type OwnLimits } from './key-limits.ts';
import { handBudgets, makersBy } from './key-makers.ts';
import { hashOf, newKeyText } from './key-text.ts';
import { apiKeys, type ApiKeyRow } from './keys.table.ts';
import { ownPermissions, requireStanding } from './people.ts';
import { everything, permissionsOfKey } from './roles.ts';

const { secretHash: _secretHash, makers: _makers, ...columns } = getTableColumns(apiKeys);

/** A key as it is read: everything but the hash of its secret, and whose budgets count it. */
export type ApiKeyView = Omit<ApiKeyRow, 'secretHash' | 'makers'>;

/** A key and its only copy. */
export interface NewKey {
  readonly apiKey: ApiKeyView;
  readonly secret: string;
}

/** What the service is built on. */
export interface ApiKeyParts {
  readonly database: Database;
  /** What keyed hashes are made with. */
  readonly secret: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly acts: ActService;
}

/** What a rotation made, and the keys whose ends it moved. */
type Rotated = NewKey & { readonly replaced: ApiKeyView; readonly changed: readonly string[] };

const longestOverlap = 30 * 86_400;
const usualOverlap = 86_400;

/** The keys of a tenant, for the people in it. */
export class ApiKeyService {
  constructor(private readonly parts: ApiKeyParts) {}

  /** The keys within reach, newest first, revoked and expired ones too. */
  async page(scope: Scope, input: PageInput): Promise<Page<ApiKeyView>> {
    scope.require('keys:read');
    return tenantPage(this.parts.database.as(scope), scope, input, {
      list: 'apiKeys',
      table: apiKeys,
      columns: columns,
      direction: 'descending',
      where: reached(scope),
    });
  }

  /** Keys by id, in the order asked for; null for those that are unknown or out of reach. */
  async list(scope: Scope, ids: readonly string[]): Promise<(ApiKeyView | null)[]> {
    scope.require('keys:read');
    return rowsById('key', ids, (known) =>
      this.parts.database
        .as(scope)
        .query.select(columns)
        .from(apiKeys)
        .where(and(reached(scope), inArray(apiKeys.id, known))),
    );
  }

  /** Makes a key of the caller. INVALID_INPUT names the bad field; FORBIDDEN the permission that the caller does not have. */
  async create(
    scope: Scope,
    input: AskedLimits & {
      readonly name: string;
      readonly permissions: readonly string[];
      readonly expiresAt?: Date | null;
      readonly idempotencyKey?: string | null;
    },
  ): Promise<NewKey> {
    scope.require('keys:write');
    const name = givenName(input.name, ['input', 'name']);
    const permissions = permissionsGiven(scope, input.permissions, 'key');
    const expiresAt = input.expiresAt ?? null;
    checkMoment(expiresAt, ['input', 'expiresAt']);
    const asked = sql`${expiresAt?.toISOString() ?? null}::timestamptz`;
    const again = (id: string, secret: string | null) => this.shownAgain(scope, id, secret);
    const created = await this.parts.acts.run(scope, { operation: 'apiKeyCreate', input, again }, async (act) => {
      await requireStanding(act, scope);
      // Not before: a repeat may come when that moment is past.
      if (expiresAt !== null && expiresAt <= this.parts.clock.now()) {
        throw new AppError('INVALID_INPUT', 'expiresAt is not in the future', { path: ['input', 'expiresAt'] });
      }
      const limits = limitsFor(input, null, await limitsOfCaller(act, scope));
      const made = await this.insert(act, scope, {
        name,
        permissions,
        expiresAt: endOf(scope, asked),
        replacesId: null,
        makers: await makersBy(act, scope),
        ...limits,
      });
      act.record({ thing: made.apiKey.id, before: null, after: toldOf(made.apiKey) });
      return made;
    });
    this.parts.bus.publish('limits.changed', [scope.tenantId]);
    return created;
  }

  /**
   * Makes a new key in the place of one of the caller's own, which stays valid for the overlap. CONFLICT when it was replaced already or is over;
   * FORBIDDEN when it is somebody else's, or may do what the caller may not: a rotation hands out a secret.
   */
  async rotate(
    scope: Scope,
    input: { readonly id: string; readonly overlapSeconds?: number | null; readonly idempotencyKey?: string | null },
  ): Promise<NewKey & { readonly replaced: ApiKeyView }> {
    scope.require('keys:write');
    const overlap = input.overlapSeconds ?? usualOverlap;
    checkRange(overlap, 0, longestOverlap, ['input', 'overlapSeconds']);
    const id = checkedId(input.id);
    const again = async (made: string, secret: string | null) => ({
      ...(await this.shownAgain(scope, made, secret)),
      replaced: await this.get(scope, id),
      changed: [],
    });
    const rotated = await this.parts.acts.run<Rotated>(scope, { operation: 'apiKeyRotate', input, again }, async (act) => {
      await requireStanding(act, scope);
      const { query } = act;
      const isThis = isKey(scope, id);
      const life = sql<number | null>`extract(epoch from expires_at - created_at)::float8`;
      const isOver = sql<boolean>`revoked_at is not null or coalesce(expires_at <= now(), false)`;
      const [old] = await query
        .select({ ...columns, life, isOver })
        .from(apiKeys)
        .where(isThis)
        .for('update');
      if (!old) throw noSuchKey();
      if (old.memberId !== scope.memberId)
        throw new AppError('FORBIDDEN', 'only the person a key acts as can rotate it; anybody else can revoke it', { path });
      await requireAll(act, scope, old);
      if (scope.keyId !== id) requireNoLooser(old, await limitsOfCaller(act, scope), path);
      const [successor] = await query
        .select({ id: apiKeys.id })
        .from(apiKeys)
        .where(and(eq(apiKeys.tenantId, scope.tenantId), eq(apiKeys.replacesId, id)));
      if (successor) throw new AppError('CONFLICT', 'this key was rotated already', { path });
      if (old.isOver) throw new AppError('CONFLICT', 'this key was revoked or has expired', { path });
      const endsAt = sql`least(expires_at, now() + make_interval(secs => ${overlap}::float8))`;
      const [replaced] = await query.update(apiKeys).set({ expiresAt: endsAt }).where(isThis).returning(columns);
      if (!replaced) throw noSuchKey();
      const ended = old.replacesId === null ? null : await endNow(act, scope, old.replacesId);
      const { name, permissions } = old;
      const asLong = sql`least(now() + make_interval(secs => ${old.life}::float8), ${lastMoment}::timestamptz)`;
      const lasting = old.life === null ? sql`null::timestamptz` : asLong;
      // Nobody gives on more time than they have: a key that replaces itself keeps its end, replaced by another it ends no later than that one.
      const ownEnd = sql<Date | null>`${old.expiresAt?.toISOString() ?? null}::timestamptz`;
      const expiresAt = scope.keyId === id ? ownEnd : endOf(scope, lasting);
      const makers = await makersBy(act, scope, id);
      const made = await this.insert(act, scope, { name, permissions, expiresAt, replacesId: id, makers, ...limitsOf(old) });
      act.record({ thing: made.apiKey.id, before: null, after: toldOf(made.apiKey) });
      act.record({ thing: id, before: toldOf(old), after: toldOf(replaced) });
      for (const thing of await handBudgets(act, scope, id, made.apiKey.id))
        act.record({ thing, before: { keyId: id }, after: { keyId: made.apiKey.id } });
      if (ended) act.record(ended);
      return { ...made, replaced, changed: ended ? [id, ended.thing] : [id] };
    });
    this.parts.bus.publish('key.changed', rotated.changed);
    this.parts.bus.publish('limits.changed', [scope.tenantId]);
    return rotated;
  }

  /** Changes the limits of a key of the tenant; FORBIDDEN for a limit above that of the key in use. */
  async update(scope: Scope, { id, ...asked }: AskedLimits & { readonly id: string }): Promise<ApiKeyView> {
    scope.require('keys:write');
    const isThis = isKey(scope, checkedId(id));
    const row = await this.parts.acts.run(scope, { operation: 'apiKeyUpdate', input: {}, idempotent: true }, async (act) => {
      const [before] = await act.query.select(columns).from(apiKeys).where(isThis).for('update');
      if (!before) throw noSuchKey();
      const limits = limitsFor(asked, limitsOf(before), await limitsOfCaller(act, scope));
      const [after] = await act.query.update(apiKeys).set(limits).where(isThis).returning(columns);
      if (!after) throw noSuchKey();
      act.record({ thing: id, before: limitsOf(before), after: limits });
      return after;
    });
    this.parts.bus.publish('limits.changed', [scope.tenantId, row.id]);
    return row;
  }

  /** Ends a key of the tenant; revoking it again changes nothing. */
  async revoke(scope: Scope, id: string): Promise<ApiKeyView> {
    scope.require('keys:write');
    const isThis = isKey(scope, checkedId(id));
    const row = await this.parts.acts.run(
      scope,
      { operation: 'apiKeyRevoke', input: {}, idempotent: true },
      async ({ query, record }) => {
        const [before] = await query.select(columns).from(apiKeys).where(isThis).for('update');
        const [after] = await query
          .update(apiKeys)
          .set({ revokedAt: sql`coalesce(revoked_at, now())` })
          .where(isThis)
          .returning(columns);
        if (!before || !after) throw noSuchKey();
        record({ thing: id, before: toldOf(before), after: toldOf(after) });
        return after;
      },
    );
    this.parts.bus.publish('key.changed', [row.id]);
    return row;
  }

  /** A key that was made before, for a repeat of the call. */
  private async shownAgain(scope: Scope, id: string, secret: string | null): Promise<NewKey> {
    if (secret === null) throw new Error('a new key was stored without its secret');
    return { apiKey: await this.get(scope, id), secret };
  }

  private async get(scope: Scope, id: string): Promise<ApiKeyView> {
    const { query } = this.parts.database.as(scope);
    const [row] = await query.select(columns).from(apiKeys).where(isKey(scope, id));
    if (!row) throw noSuchKey();
    return row;
  }

  private async insert(
    { query, keep }: Act,
    { tenantId, memberId }: Scope,
    what: Pick<typeof apiKeys.$inferInsert, 'name' | 'permissions' | 'replacesId' | 'makers'> &
      OwnLimits & {
        expiresAt: SQL<Date | null>;
      },
  ): Promise<NewKey> {
    const id = newId('key');
    const secret = newKeyText(id, this.parts.secret);
    const secretHash = hashOf(secret, this.parts.secret);
    const [apiKey] = await query
      .insert(apiKeys)
      .values({ id, tenantId, memberId, secretHash, ...what })
      .returning(columns);
    if (!apiKey) throw new Error('the new key was not returned');
    keep(secret);
    return { apiKey, secret };
  }
}

const path = ['input', 'id'];

/** What the audit log tells of a key. */
function toldOf(key: ApiKeyView): Record<string, unknown> {
  const { name, memberId, permissions, expiresAt, revokedAt, replacesId } = key;
  return { name, member: memberId, permissions, expiresAt, revokedAt, replacesId, ...limitsOf(key) };
}

// Four digits of a year are all that RFC 3339 has.
const lastMoment = '9999-12-31T23:59:59Z';

/** When a key ends that was made with another: as asked, but never after the one that made it. */
function endOf({ tenantId, keyId }: Scope, asked: SQL): SQL<Date | null> {
  if (keyId === null) return sql<Date | null>`${asked}`;
  const makers = sql`select k.expires_at from api_keys k where k.tenant_id = ${uuidOf(tenantId, 'ten')} and k.id = ${uuidOf(keyId, 'key')}`;
  return sql`least(${asked}, (${makers}))`;
}

/** Unknown, another tenant's and those out of reach are the same to a caller. */
function noSuchKey(): AppError {
  return new AppError('NOT_FOUND', 'no such key', { path });
}

function isKey(scope: Scope, id: string): SQL | undefined {
  return and(reached(scope), eq(apiKeys.id, id));
}

/** The keys of its tenant, or of its own member alone. */
function reached(scope: Scope): SQL | undefined {
  return and(eq(apiKeys.tenantId, scope.tenantId), scope.can('keys:others') ? undefined : eq(apiKeys.memberId, scope.memberId));
}

function checkedId(id: string): string {
  if (uuidOfId(id, 'key') === null) throw noSuchKey();
  return id;
}

/** Ends a key that is not over yet; gives what was done, null if it was over. */
async function endNow({ query }: Statements, scope: Scope, id: string): Promise<Deed | null> {
  const isAlive = or(isNull(apiKeys.expiresAt), sql`expires_at > now()`);
  const isThis = and(isKey(scope, id), isAlive);
  const [before] = await query.select(columns).from(apiKeys).where(isThis).for('update');
  if (!before) return null;
  const [after] = await query
    .update(apiKeys)
    .set({ expiresAt: sql`now()` })
    .where(isThis)
    .returning(columns);
  return after ? { thing: id, before: toldOf(before), after: toldOf(after) } : null;
}

/** A rotation hands out a secret: only who may do as much as the key gets it. What `*` may do later is more than any list of permissions. */
async function requireAll(transaction: Statements, scope: Scope, { id, permissions }: ApiKeyView): Promise<void> {
  const role = await ownPermissions(transaction, scope);
  for (const permission of permissionsOfKey(permissions, role)) requireHeld(scope, permission, path);
  if (!permissions.includes(everything) || scope.keyId === null || scope.keyId === id) return;
  const { query } = transaction;
  const [own] = await query.select({ permissions: apiKeys.permissions }).from(apiKeys).where(isKey(scope, scope.keyId));
  if (!own?.permissions.includes(everything))
    throw new AppError('FORBIDDEN', 'this key may do all that its member ever may: only one that may as well rotates it', {
      path,
    });
}
