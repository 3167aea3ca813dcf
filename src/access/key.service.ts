import { LRUCache } from 'lru-cache';
import type { Database } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import { givenEmail, givenName } from '../kernel/given.ts';
import { idOfName, idOfUuid, newId } from '../kernel/id.ts';
import { ProofRefused, Scope, type Permission } from '../kernel/scope.ts';
import type { ServiceName } from '../kernel/service.ts';
import { isSame } from '../kernel/same.ts';
import type { Look } from './access-watch.ts';
import { hashOf, readKey, type ShownKey } from './key-text.ts';
import { appoint, developmentTenant, insertKey, insertTenant, type NewTenant, type Owner } from './new-tenant.service.ts';
import { everything } from './roles.ts';
import { lookDeadlineMs, readKeyStandings } from './standing.ts';

interface Found {
  readonly scope: Scope;
  /** How long the answer may be remembered. */
  readonly ttl: number;
  /** The count of what was forgotten when it began. */
  readonly forgotten: number;
}

/** For so long a key that was right stays right without a look: revoked access ends within 5 s. */
const rememberedMs = 3_000;
/** The clock for that is read so often: each reading sets a timer. */
const clockMs = 100;
/** For so long a key that was refused is refused without a look. Only keys that we once made come so far: what is made up fails its check. */
const refusedMs = 30_000;
/** A key that we made, with another secret or since deleted, proves nobody. */
const nobody = 'nobody';
// Of another name: limits tell a tenant and its members apart by their uuids.
const developmentMember = idOfName('mem', 'developer');

/** API keys: who a caller is, and how keys come to be. */
export class KeyService {
  private readonly known = new LRUCache<string, Scope>({ max: 10_000, ttl: rememberedMs, ttlResolution: clockMs });
  private readonly refused = new LRUCache<string, Scope | typeof nobody>({ max: 10_000, ttl: refusedMs });
  private readonly looking = new Map<string, Promise<Found>>();
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
    const known = this.recall(authorization);
    if (known) return known;
    const scope = await this.find(authorization);
    this.onUse(scope.proof.id);
    return scope;
  }

  /** The scope that an Authorization value proved a moment ago; undefined when it has to be looked at. */
  recall(authorization: string): Scope | undefined {
    const known = this.known.get(authorization);
    if (known) this.onUse(known.proof.id);
    return known;
  }

  /** Looks again, when they are shown next, at these keys and at all keys of these members and tenants; at every key without `ids`. */
  forget(ids: readonly string[] | null): void {
    this.forgotten++;
    this.looking.clear();
    if (ids === null) return this.known.clear();
    const changed = new Set(ids);
    for (const [authorization, { proof, memberId, tenantId }] of this.known)
      if (changed.has(proof.id) || changed.has(memberId) || changed.has(tenantId)) this.known.delete(authorization);
  }

  /** Makes a key of a member, for all that they may do unless `permissions` say less; the answer is its only copy. */
  create(
    tenantId: string,
    memberId: string,
    name: string,
    permissions: readonly (Permission | typeof everything)[] = [everything],
  ): Promise<string> {
    return this.database
      .as({ tenantId })
      .transaction((transaction) =>
        insertKey(transaction, this.secret, { tenantId, memberId, name, permissions }, { service: 'admin' }),
      );
  }

  /** How it stands with keys that have something open: one of the looks of the watch. */
  readonly look: Look = async (watched) => {
    const ids = watched.map(({ proof }) => proof.id);
    const found = await readKeyStandings(this.database.engine, ids, { deadlineMs: lookDeadlineMs });
    return ids.map((id) => found.get(id)?.standing ?? null);
  };

  /** Makes a tenant, its owner and the owner's key. INVALID_INPUT for a name or an address that the API would not take. */
  async bootstrap(name: string, email: string): Promise<Owner> {
    const given = { name: givenName(name, ['tenant']), email: givenEmail(email, ['email']) };
    return this.createOwner({ tenantId: newId('ten'), memberId: newId('mem'), ...given, keyName: 'owner' }, 'admin');
  }

  /** A key of the development tenant, which is made when there is none; any number of processes may do this at once. */
  async createDevelopmentKey(): Promise<string> {
    const [tenantId, memberId] = [developmentTenant, developmentMember];
    const owner = { tenantId, memberId, name: 'Development', email: 'developer@localhost', keyName: 'development' };
    return (await this.createOwner(owner, 'development')).key;
  }

  /** Lets the development tenant run the installation. */
  appointDevelopment(): Promise<void> {
    return appoint(this.database, developmentTenant, 'development');
  }

  private createOwner(tenant: NewTenant, service: ServiceName): Promise<Owner> {
    return this.database.as(tenant).transaction((transaction) => insertTenant(transaction, this.secret, tenant, service));
  }

  /** The same key is looked up once at a time. */
  private async find(authorization: string): Promise<Scope> {
    const shown = readKey(authorization, this.secret);
    const refused = shown && this.refused.get(shown.key);
    if (!shown || refused) throw notValid(refused ?? nobody);
    let look = this.looking.get(shown.key);
    if (!look) {
      look = this.read(shown).finally(() => this.looking.delete(shown.key));
      this.looking.set(shown.key, look);
    }
    const { scope, ttl, forgotten } = await look;
    if (ttl > 0 && forgotten === this.forgotten) this.known.set(authorization, scope, { ttl });
    return scope;
  }

  private async read({ key, uuid }: ShownKey): Promise<Found> {
    const { forgotten } = this;
    const id = idOfUuid('key', uuid);
    const found = (await readKeyStandings(this.database.engine, [id])).get(id);
    if (!found || !isSame(found.secretHash, hashOf(key, this.secret))) {
      this.refused.set(key, nobody);
      throw notValid(nobody);
    }
    const { tenantId, memberId, standing } = found;
    const proof = { kind: 'key', id } as const;
    if (standing === null) {
      const scope = new Scope(tenantId, memberId, proof, []);
      this.refused.set(key, scope);
      throw notValid(scope);
    }
    if (standing.refusal) throw new ProofRefused(standing.refusal, new Scope(tenantId, memberId, proof, []));
    return {
      scope: new Scope(tenantId, memberId, proof, standing.held),
      ttl: Math.min(rememberedMs, Math.floor(standing.endsInMs)),
      forgotten,
    };
  }
}

/** The same to whoever shows it, whatever is wrong with it; whose it was is for the audit log. */
function notValid(scope: Scope | typeof nobody): AppError {
  const error = new AppError('UNAUTHENTICATED', 'this key is not valid');
  return scope === nobody ? error : new ProofRefused(error, scope);
}
