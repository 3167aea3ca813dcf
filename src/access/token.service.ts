import { createHash } from 'node:crypto';
import { and, eq, isNull, lte, or, type SQL } from 'drizzle-orm';
import type { JWTPayload } from 'jose';
import type { ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { newId } from '../kernel/id.ts';
import { Remembered } from '../kernel/remembered.ts';
import { Scope, type Proof } from '../kernel/scope.ts';
import { members } from '../tenants/tenants.table.ts';
import { personOf, rolesOf, type Person } from './claims.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { identities } from './issuers.table.ts';
import { readIssuers, RegisteredIssuers, type FoundIssuer, type RegisteredIssuer } from './registered-issuers.ts';
import { rolesOfMember } from './roles.ts';
import { suspended } from './standing.ts';
import { readTokenStandings } from './token-standing.ts';
import { leewaySeconds, verifyToken } from './token-check.ts';
import { readToken, refusedToken, type ShownToken } from './token-text.ts';

/** What the service is built on. */
export interface TokenParts {
  readonly database: Database;
  readonly acts: ActService;
  readonly keys: IssuerKeys;
  readonly clock: Clock;
}

/** Who a token proves, and for how many milliseconds that holds. */
interface Found {
  readonly scope: Scope;
  readonly holdsMs: number;
}

/** A token that was good stays good for so long without a look, and so does what its issuer was then: what is withdrawn ends within 5 s. */
const believedMs = 3_000;
/** The last second that RFC 3339 can write. */
const lastSecond = 253_402_300_799;

/** Tokens of the issuers that tenants registered: who a caller is. */
export class TokenService {
  private readonly remembered: Remembered<Found, ShownToken>;
  private readonly issuers: RegisteredIssuers;

  constructor(private readonly parts: TokenParts) {
    const { database, clock } = parts;
    this.issuers = new RegisteredIssuers((pairs) => readIssuers(database.engine, pairs), clock);
    this.remembered = new Remembered(
      clock,
      (_name, shown) => this.look(shown),
      ({ holdsMs }) => holdsMs,
    );
  }

  /**
   * The scope that a JWT proves. UNAUTHENTICATED says what is wrong with it, FORBIDDEN that its person may do nothing here, UNAVAILABLE that
   * the keys of its issuer cannot be read. A person who is seen for the first time becomes a member of the tenant.
   */
  async authenticate(token: string): Promise<Scope> {
    const shown = readToken(token);
    const name = createHash('sha256').update(token).digest('base64');
    const { scope } = this.remembered.known(name, shown) ?? (await this.remembered.get(name, shown));
    return scope;
  }

  /** Looks again, when they are shown next, at the tokens of these issuers, members and tenants; at all of them without `ids`. */
  forget(ids: readonly string[] | null): void {
    this.issuers.forget(ids);
    const changed = new Set(ids);
    this.remembered.forget(
      ids && (({ scope }) => [scope.proof.id, scope.memberId, scope.tenantId].some((id) => changed.has(id))),
    );
  }

  private async look(token: ShownToken): Promise<Found> {
    try {
      return await this.lookOnce(token);
    } catch (error) {
      if (!(error instanceof IssuerChanged)) throw error;
      this.issuers.forget([error.issuerId]);
      return this.lookOnce(token);
    }
  }

  private async lookOnce(token: ShownToken): Promise<Found> {
    const { issuer, askedAt } = await this.issuerOf(token);
    const claims = await verifyToken(token, issuer, (header) => this.parts.keys.find(issuer, header), this.parts.clock.now());
    const person = personOf(claims, issuer);
    if (!person) throw refusedToken('this token does not say whom it is about, in the claim that its issuer was registered with');
    const roles = rolesOf(claims, issuer);
    if (!roles) throw new AppError('FORBIDDEN', 'this token is good, but names no role that its person could have here');
    const { tenantId, id, revision } = issuer;
    const expiresAt = new Date(Math.min(claims.exp ?? 0, lastSecond) * 1_000);
    const proof = { kind: 'token', id, expiresAt, revision, roles } as const;
    const memberId = await this.memberOf(issuer, person, proof, { roles, at: issuedAt(claims, this.parts.clock.now()) });
    const [standing] = await readTokenStandings(this.parts.database.engine, [{ tenantId, memberId, roles }]);
    if (!standing) throw new AppError('FORBIDDEN', 'you are no member any more');
    if (standing.refusal) throw standing.refusal;
    const scope = new Scope(tenantId, memberId, proof, standing.held);
    const endsInMs = expiresAt.getTime() + leewaySeconds * 1_000 - this.parts.clock.now().getTime();
    const age = this.parts.clock.monotonic() - askedAt;
    return { scope, holdsMs: Math.min(believedMs - age, endsInMs) };
  }

  private async issuerOf({ issuer, audiences }: ShownToken): Promise<FoundIssuer> {
    const [found, another] = await this.issuers.find(issuer, audiences);
    // The same words for both: what others have registered is nobody's business.
    if (!found) throw refusedToken('no issuer (iss) is registered here for any audience (aud) that this token is for');
    if (another) throw refusedToken('this token is for more than one audience (aud) that is registered here; it must be for one');
    if (found.issuer.isSuspended) throw suspended();
    return found;
  }

  /**
   * The member who a person is, and from now on one with these roles, unless a later token said otherwise. First sight makes one, never an
   * old one found by its address: whoever can choose an address could choose who to be.
   */
  private async memberOf(issuer: RegisteredIssuer, person: Person, proof: Proof, claimed: Claimed): Promise<string> {
    const { tenantId, url, subjectClaim } = issuer;
    const { subject, email } = person;
    const connection = this.parts.database.as({ tenantId });
    const isThis = and(
      eq(identities.tenantId, tenantId),
      eq(identities.issuer, url),
      eq(identities.claim, subjectClaim),
      eq(identities.subject, subject),
    );
    const find = async ({ query }: Statements) => {
      const [found] = await query
        .select({ memberId: identities.memberId, claimedRoles: members.claimedRoles, claimedAt: members.claimedAt })
        .from(identities)
        .innerJoin(members, and(eq(members.tenantId, identities.tenantId), eq(members.id, identities.memberId)))
        .where(isThis);
      return found;
    };
    const known = await find(connection);
    if (known) {
      if (isNews(claimed, known))
        await connection.transaction((transaction) => this.noteClaims(transaction, issuer, { ...known, proof }, claimed), {
          idempotent: true,
        });
      return known.memberId;
    }
    return connection.transaction(
      async (transaction) => {
        // One at a time for a person: tokens come in many at once, and on every process.
        const lock = JSON.stringify([tenantId, url, subjectClaim, subject]);
        await transaction.sql((sql) => sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`);
        const made = await find(transaction);
        if (made) return made.memberId;
        await requireCurrent(transaction, issuer);
        const memberId = await insertMember(transaction, { tenantId, email, claimed });
        await transaction.query.insert(identities).values({ tenantId, issuer: url, claim: subjectClaim, subject, memberId });
        const deed = { thing: memberId, before: null, after: { roles: claimed.roles } };
        await transaction.sql((sql) =>
          this.parts.acts.recordWith(
            sql,
            new Scope(tenantId, memberId, proof, []),
            'memberJoin',
            deed,
            sql`(select) first_sight`,
          ),
        );
        return memberId;
      },
      { idempotent: true },
    );
  }

  /** The last token of a person is what counts for their keys and for whoever changes them. Other roles than before are on record. */
  private async noteClaims(
    transaction: Statements,
    issuer: RegisteredIssuer,
    { memberId, claimedRoles, proof }: KnownPerson,
    { roles, at }: Claimed,
  ): Promise<void> {
    await requireCurrent(transaction, issuer);
    const { tenantId } = issuer;
    const isOlder = and(
      eq(members.tenantId, tenantId),
      eq(members.id, memberId),
      isNull(members.removedAt),
      or(isNull(members.claimedAt), lte(members.claimedAt, at)),
    );
    // Most tokens say what the one before said: only the others are worth another look, at what is so by now.
    const before = isSameList(roles, claimedRoles) ? null : await lockRoles(transaction, isOlder);
    await transaction.query
      .update(members)
      .set({ claimedRoles: [...roles], claimedAt: at })
      .where(isOlder);
    if (before === null || isSameList(roles, before)) return;
    const scope = new Scope(tenantId, memberId, proof, []);
    const deed = { thing: memberId, before: { roles: before }, after: { roles } };
    await transaction.sql((sql) => this.parts.acts.recordWith(sql, scope, 'memberClaims', deed, sql`(select) claimed`));
  }
}

/** Somebody who was seen before, and what proves them now. */
interface KnownPerson {
  readonly memberId: string;
  readonly claimedRoles: string[] | null;
  readonly proof: Proof;
}

/** The roles that a token's claims gave, and when it was issued. */
interface Claimed {
  readonly roles: readonly string[];
  readonly at: Date;
}

/** By its own account, but never in the future: such a token would count for ever. One that does not say is older than all that do. */
function issuedAt({ iat, nbf }: JWTPayload, now: Date): Date {
  const [seconds = 0] = [iat, nbf].filter((each) => typeof each === 'number' && each > 0);
  return new Date(Math.min(seconds * 1_000, now.getTime()));
}

function isNews(
  { roles, at }: Claimed,
  before: { readonly claimedRoles: string[] | null; readonly claimedAt: Date | null },
): boolean {
  if (before.claimedAt === null || at > before.claimedAt) return true;
  return at.getTime() === before.claimedAt.getTime() && !isSameList(roles, before.claimedRoles);
}

function isSameList(some: readonly string[], others: readonly string[] | null): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

/** The roles of a member who waits to be changed; null for none. */
async function lockRoles({ query }: Statements, where: SQL | undefined): Promise<readonly string[] | null> {
  const columns = { role: members.role, claimedRoles: members.claimedRoles };
  const [row] = await query.select(columns).from(members).where(where).for('update');
  return row ? rolesOfMember(row) : null;
}

/** What was remembered of an issuer is no longer so. */
class IssuerChanged extends AppError {
  constructor(readonly issuerId: string) {
    super('UNAVAILABLE', 'the issuer of this token was changed just now', { retryAfterMs: 1_000 });
  }
}

/** Nothing is written by what an issuer was: it may give other roles by now, and the old ones may be gone. */
async function requireCurrent(transaction: Statements, { tenantId, id, revision }: RegisteredIssuer): Promise<void> {
  const [issuer] = await transaction.sql(
    (sql) => sql`
      select from issuers
      where tenant_id = ${uuidOf(tenantId, 'ten')} and id = ${uuidOf(id, 'iss')} and revision = ${revision} and is_enabled and deleted_at is null
      for share`,
  );
  if (!issuer) throw new IssuerChanged(id);
}

/** A new member; one without an address, or whose address somebody has already, gets one that reaches nobody (RFC 2606). */
async function insertMember(
  { query }: Statements,
  { tenantId, email, claimed }: { readonly tenantId: string; readonly email: string | null; readonly claimed: Claimed },
): Promise<string> {
  const id = newId('mem');
  const member = { id, tenantId, claimedRoles: [...claimed.roles], claimedAt: claimed.at };
  if (email !== null) {
    const [made] = await query
      .insert(members)
      .values({ ...member, email })
      .onConflictDoNothing()
      .returning({ id: members.id });
    if (made) return id;
  }
  await query.insert(members).values({ ...member, email: `${id}@members.invalid` });
  return id;
}
