import { LRUCache } from 'lru-cache';
import type { Statements } from '../db/connection.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { IssuerRow } from './issuers.table.ts';

/** What of an issuer decides about its tokens, and whether its tenant is suspended. */
export interface RegisteredIssuer extends Pick<
  IssuerRow,
  | 'id'
  | 'tenantId'
  | 'url'
  | 'audience'
  | 'algorithms'
  | 'subjectClaim'
  | 'emailClaim'
  | 'roleClaim'
  | 'roles'
  | 'defaultRole'
  | 'revision'
> {
  readonly isSuspended: boolean;
}

/** An issuer as it was at a moment of the monotonic clock. */
export interface FoundIssuer {
  readonly issuer: RegisteredIssuer;
  readonly askedAt: number;
}

/** What a token says of itself: anybody can say anything. */
export interface Pair {
  readonly url: string;
  readonly audience: string;
}

/** Reads those of the pairs that are registered and taken. */
export type LookAtPairs = (pairs: readonly Pair[]) => Promise<readonly RegisteredIssuer[]>;

/** For so long what is registered is believed to be. The memory of tokens counts it in: what is withdrawn ends within 5 s. */
const knownMs = 1_500;
/** For so long what is not registered is believed not to be, unless a hint says otherwise. */
const unknownMs = 3_000;
const mostRemembered = 5_000;
const mostAtOnce = 500;
const mostWaiting = 10_000;

interface Wanted {
  readonly pair: Pair;
  readonly found: PromiseWithResolvers<FoundIssuer | null>;
}

/**
 * Which issuers are registered, for tokens that name them. Made-up tokens cost no statement each: one look at a time takes all pairs that came
 * since the one before, and what it does not find is remembered for a moment, apart from what it does, so that nobody can push good ones out.
 */
export class RegisteredIssuers {
  private readonly known = new LRUCache<string, FoundIssuer>({ max: mostRemembered });
  private readonly unknown = new LRUCache<string, number>({ max: mostRemembered });
  private readonly waiting = new Map<string, Wanted>();
  private readonly asked = new Map<string, Wanted>();
  private isLooking = false;
  private forgotten = 0;

  constructor(
    private readonly look: LookAtPairs,
    private readonly clock: Clock,
  ) {}

  /** The issuers under this URL and any of these audiences. Rejects as the look does, and with UNAVAILABLE when too many are asked for. */
  async find(url: string, audiences: readonly string[]): Promise<readonly FoundIssuer[]> {
    if (url === '') return [];
    const found = await Promise.all([...new Set(audiences)].map((audience) => this.findOne({ url, audience })));
    return found.filter((each) => each !== null);
  }

  /** Looks again at these issuers, those of these tenants, and all that are not known; at all without `ids`. */
  forget(ids: readonly string[] | null): void {
    this.forgotten++;
    this.unknown.clear();
    // Looks that are under way may have read what is no longer so: whoever comes now waits for the next.
    this.asked.clear();
    if (ids === null) return this.known.clear();
    const changed = new Set(ids);
    for (const [name, { issuer }] of this.known)
      if (changed.has(issuer.id) || changed.has(issuer.tenantId)) this.known.delete(name);
  }

  private async findOne(pair: Pair): Promise<FoundIssuer | null> {
    const name = nameOf(pair);
    const now = this.clock.monotonic();
    const known = this.known.get(name);
    if (known && now - known.askedAt < knownMs) return known;
    const missedAt = this.unknown.get(name);
    if (missedAt !== undefined && now - missedAt < unknownMs) return null;
    const wanted = this.asked.get(name) ?? this.waiting.get(name);
    if (wanted) return wanted.found.promise;
    if (this.waiting.size >= mostWaiting)
      throw new AppError('UNAVAILABLE', 'too many tokens are looked at just now', { retryAfterMs: 1_000 });
    const found = Promise.withResolvers<FoundIssuer | null>();
    this.waiting.set(name, { pair, found });
    if (this.waiting.size === 1 && !this.isLooking) void this.lookAtAll();
    return found.promise;
  }

  /** One look after another until nobody waits. Never rejects. */
  private async lookAtAll(): Promise<void> {
    this.isLooking = true;
    // Whoever comes in the same turn of the event loop goes along.
    await Promise.resolve();
    while (this.waiting.size > 0) {
      const batch = [...this.waiting].slice(0, mostAtOnce);
      for (const [name, wanted] of batch) {
        this.waiting.delete(name);
        this.asked.set(name, wanted);
      }
      await this.lookAt(batch);
      for (const [name, wanted] of batch) if (this.asked.get(name) === wanted) this.asked.delete(name);
    }
    this.isLooking = false;
  }

  private async lookAt(batch: readonly [string, Wanted][]): Promise<void> {
    const { forgotten } = this;
    const askedAt = this.clock.monotonic();
    try {
      const rows = await this.look(batch.map(([, { pair }]) => pair));
      const byName = new Map(rows.map((issuer) => [nameOf(issuer), { issuer, askedAt }]));
      for (const [name, { found }] of batch) {
        const issuer = byName.get(name) ?? null;
        if (forgotten === this.forgotten) {
          if (issuer) this.known.set(name, issuer);
          else this.unknown.set(name, askedAt);
        }
        found.resolve(issuer);
      }
    } catch (error) {
      for (const [, { found }] of batch) found.reject(error);
    }
  }
}

function nameOf({ url, audience }: Pair): string {
  return JSON.stringify([url, audience]);
}

interface Row {
  id: string;
  tenant_id: string;
  url: string;
  audience: string;
  algorithms: IssuerRow['algorithms'];
  subject_claim: string;
  email_claim: string | null;
  role_claim: string | null;
  roles: IssuerRow['roles'];
  default_role: string | null;
  revision: number;
  is_suspended: boolean;
}

/** One of the acts without a tenant (protocol.md, rule 20): before the issuer is found nobody knows whose token it is. */
export async function readIssuers(engine: Statements, pairs: readonly Pair[]): Promise<RegisteredIssuer[]> {
  const rows = await engine.sql<Row>(
    (sql) => sql`
      select i.id, i.tenant_id, i.url, i.audience, i.algorithms, i.subject_claim, i.email_claim, i.role_claim, i.roles, i.default_role,
        i.revision, t.suspended_at is not null as is_suspended
      from unnest(${pairs.map(({ url }) => url)}::text[], ${pairs.map(({ audience }) => audience)}::text[]) as asked (url, audience)
      join issuers i on i.url = asked.url and i.audience = asked.audience and i.is_enabled and i.deleted_at is null
      join tenants t on t.id = i.tenant_id and t.deleted_at is null`,
    { idempotent: true },
  );
  return rows.map((row) => ({
    id: idOfUuid('iss', row.id),
    tenantId: idOfUuid('ten', row.tenant_id),
    url: row.url,
    audience: row.audience,
    algorithms: row.algorithms,
    subjectClaim: row.subject_claim,
    emailClaim: row.email_claim,
    roleClaim: row.role_claim,
    roles: row.roles,
    defaultRole: row.default_role,
    revision: row.revision,
    isSuspended: row.is_suspended,
  }));
}
