import { LRUCache } from 'lru-cache';
import type { Database } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfName, idOfUuid, newId } from '../kernel/id.ts';
import { allPermissions, ProofRefused, Scope, type Permission } from '../kernel/scope.ts';
import { members, tenants } from '../tenants/tenants.table.ts';
import { isSame } from '../kernel/same.ts';
import { hashOf, newKeyText, readKey, type ShownKey } from './key-text.ts';
import { apiKeys } from './keys.table.ts';

/** A new tenant with its owner and the owner's key; the key is shown this once. */
export interface Owner {
  readonly tenantId: string;
  readonly memberId: string;
  readonly key: string;
}

interface KeyRow {
  id: string;
  tenant_id: string;
  member_id: string;
  secret_hash: string;
  permissions: Permission[];
  /** Null for a key without an end. */
  expires_in_ms: number | null;
  is_valid: boolean;
}

interface Look {
  readonly scope: Scope;
  /** How long the answer may be remembered. */
  readonly ttl: number;
  /** The count of what was forgotten when it began. */
  readonly forgotten: number;
}

/** For so long a key that was right stays right without a look: revoked access ends within 5 s. */
const rememberedMs = 3_000;
/** For so long a key that was refused is refused without a look. Only keys that we once made come so far: what is made up fails its check. */
const refusedMs = 30_000;
/** A key that we made, with another secret or since deleted, proves nobody. */
const nobody = 'nobody';
const developmentTenant = idOfName('ten', 'development');
const developmentMember = idOfName('mem', 'development');

/** API keys: who a caller is, and how keys come to be. */
export class KeyService {
  private readonly known = new LRUCache<string, Scope>({ max: 10_000, ttl: rememberedMs });
  private readonly refused = new LRUCache<string, Scope | typeof nobody>({ max: 10_000, ttl: refusedMs });
  private readonly looking = new Map<string, Promise<Look>>();
  /** Counts what was forgotten: a look that began before may have read what is no longer so. */
  private forgotten = 0;

  constructor(
    private readonly database: Database,
    /** Keyed hashes are made with it: all processes on a database share it. */
    private readonly secret: string,
    /** Told of each use of a valid key. */
    private readonly onUse: (keyId: string) => void = () => undefined,
  ) {}

  /** The scope that an Authorization value proves; throws UNAUTHENTICATED. The same key is looked up once at a time. */
  async authenticate({ authorization }: { readonly authorization: string | null }): Promise<Scope> {
    if (authorization === null)
      throw new AppError('UNAUTHENTICATED', 'a key is missing: send the header authorization: Bearer <key>');
    const known = this.known.get(authorization);
    const scope = known ?? (await this.find(authorization));
    this.onUse(scope.proof.id);
    return scope;
  }

  /** Looks at these keys again when they are shown next; at all of them without `ids`. */
  forget(ids: readonly string[] | null): void {
    this.forgotten++;
    this.looking.clear();
    if (ids === null) return this.known.clear();
    const changed = new Set(ids);
    for (const [authorization, { proof }] of this.known) if (changed.has(proof.id)) this.known.delete(authorization);
  }

  /** Makes a key of a member; the answer is its only copy. */
  async create(
    tenantId: string,
    memberId: string,
    name: string,
    permissions: readonly Permission[] = allPermissions,
  ): Promise<string> {
    const id = newId('key');
    const key = newKeyText(id, this.secret);
    await this.database
      .as({ tenantId })
      .query.insert(apiKeys)
      .values({ id, tenantId, memberId, name, secretHash: hashOf(key, this.secret), permissions: [...permissions] });
    return key;
  }

  /** Makes a tenant, its owner and the owner's key. */
  async bootstrap(name: string, email: string): Promise<Owner> {
    return this.createOwner(newId('ten'), newId('mem'), name, email, 'owner');
  }

  /** A key of the development tenant, which is made when there is none; any number of processes may do this at once. */
  async createDevelopmentKey(): Promise<string> {
    return (await this.createOwner(developmentTenant, developmentMember, 'Development', 'developer@localhost', 'development'))
      .key;
  }

  private async createOwner(tenantId: string, memberId: string, name: string, email: string, keyName: string): Promise<Owner> {
    await this.database.as({ tenantId }).transaction(
      async ({ query }) => {
        await query.insert(tenants).values({ id: tenantId, name }).onConflictDoNothing();
        await query.insert(members).values({ id: memberId, tenantId, email }).onConflictDoNothing();
      },
      { idempotent: true },
    );
    return { tenantId, memberId, key: await this.create(tenantId, memberId, keyName) };
  }

  /** The same key is looked up once at a time. */
  private async find(authorization: string): Promise<Scope> {
    const shown = readKey(authorization, this.secret);
    const refused = shown && this.refused.get(shown.key);
    if (!shown || refused) throw notValid(refused ?? nobody);
    let look = this.looking.get(shown.key);
    if (!look) {
      look = this.look(shown).finally(() => this.looking.delete(shown.key));
      this.looking.set(shown.key, look);
    }
    const { scope, ttl, forgotten } = await look;
    if (ttl > 0 && forgotten === this.forgotten) this.known.set(authorization, scope, { ttl });
    return scope;
  }

  private async look({ key, uuid }: ShownKey): Promise<Look> {
    const { forgotten } = this;
    const [row] = await this.read(uuid);
    const scope = row && isSame(row.secret_hash, hashOf(key, this.secret)) ? scopeOf(row) : nobody;
    if (scope === nobody || !row?.is_valid) {
      this.refused.set(key, scope);
      throw notValid(scope);
    }
    return {
      scope,
      ttl: Math.min(rememberedMs, Math.floor(row.expires_in_ms ?? rememberedMs)),
      forgotten,
    };
  }

  /** One of the acts without a tenant (protocol.md, rule 20): before the key is found nobody knows whose it is. */
  private read(uuid: string): Promise<KeyRow[]> {
    return this.database.engine.sql<KeyRow>(
      (sql) => sql`
        select id, tenant_id, member_id, secret_hash, permissions,
          (extract(epoch from expires_at - now()) * 1000)::float8 as expires_in_ms,
          revoked_at is null and (expires_at is null or expires_at > now()) as is_valid
        from api_keys where id = ${uuid}`,
      { idempotent: true },
    );
  }
}

function scopeOf(row: KeyRow): Scope {
  const proof = { kind: 'key', id: idOfUuid('key', row.id) } as const;
  return new Scope(idOfUuid('ten', row.tenant_id), idOfUuid('mem', row.member_id), proof, row.permissions);
}

/** The same to whoever shows it, whatever is wrong with it; whose it was is for the audit log. */
function notValid(scope: Scope | typeof nobody): AppError {
  const message = 'this key is not valid';
  return scope === nobody ? new AppError('UNAUTHENTICATED', message) : new ProofRefused(message, scope);
}
