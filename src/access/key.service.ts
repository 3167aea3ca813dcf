import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Database } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfName, idOfUuid, newId, uuidOfId } from '../kernel/id.ts';
import { allPermissions, Scope, type Permission } from '../kernel/scope.ts';
import { members, tenants } from '../tenants/tenants.table.ts';
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
}

const pattern = /^Bearer +(dw_live_([0-9a-z]{26})_[A-Za-z0-9_-]{43})$/i;
/** For so long a key that was right stays right without a look: revoked access ends within 5 s. */
const rememberedMs = 3_000;
const developmentTenant = idOfName('ten', 'development');
const developmentMember = idOfName('mem', 'development');

/** API keys: who a caller is, and how keys come to be. */
export class KeyService {
  private readonly known = new LRUCache<string, Scope>({ max: 10_000, ttl: rememberedMs });
  private readonly looking = new Map<string, Promise<Scope>>();

  constructor(
    private readonly database: Database,
    /** Keyed hashes are made with it: all processes on a database share it. */
    private readonly secret: string,
  ) {}

  /** The scope that an Authorization value proves; throws UNAUTHENTICATED. The same key is looked up once at a time. */
  async authenticate({ authorization }: { readonly authorization: string | null }): Promise<Scope> {
    if (authorization === null)
      throw new AppError('UNAUTHENTICATED', 'a key is missing: send the header authorization: Bearer <key>');
    const known = this.known.get(authorization);
    if (known) return known;
    const looking = this.looking.get(authorization);
    if (looking) return looking;
    const look = this.look(authorization);
    this.looking.set(authorization, look);
    try {
      const scope = await look;
      this.known.set(authorization, scope);
      return scope;
    } finally {
      this.looking.delete(authorization);
    }
  }

  /** Makes a key of a member; the answer is its only copy. */
  async create(
    tenantId: string,
    memberId: string,
    name: string,
    permissions: readonly Permission[] = allPermissions,
  ): Promise<string> {
    const id = newId('key');
    const key = `dw_live_${id.slice('key_'.length)}_${randomBytes(32).toString('base64url')}`;
    await this.database
      .as({ tenantId })
      .query.insert(apiKeys)
      .values({ id, tenantId, memberId, name, secretHash: this.hashOf(key), permissions: [...permissions] });
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

  private async look(authorization: string): Promise<Scope> {
    const match = authorization.length <= 200 ? pattern.exec(authorization) : null;
    const [, key = '', id = ''] = match ?? [];
    const uuid = uuidOfId(`key_${id.toLowerCase()}`, 'key');
    const [row] = uuid === null ? [] : await this.find(uuid);
    if (!row || !isEqual(row.secret_hash, this.hashOf(key))) throw new AppError('UNAUTHENTICATED', 'this key is not valid');
    return new Scope(idOfUuid('ten', row.tenant_id), idOfUuid('mem', row.member_id), idOfUuid('key', row.id), row.permissions);
  }

  /** One of the acts without a tenant (protocol.md, rule 20): before the key is found nobody knows whose it is. */
  private find(uuid: string): Promise<KeyRow[]> {
    return this.database.engine.sql<KeyRow>(
      (sql) =>
        sql`select id, tenant_id, member_id, secret_hash, permissions from api_keys where id = ${uuid} and revoked_at is null`,
      { idempotent: true },
    );
  }

  private hashOf(key: string): string {
    return createHmac('sha256', this.secret).update(key).digest('hex');
  }
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
