import { createHash } from 'node:crypto';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import type { ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { newId } from '../kernel/id.ts';
import { Scope, type Proof } from '../kernel/scope.ts';
import { members, tenants } from '../tenants/tenants.table.ts';
import { personOf, rolesOf, type Person } from './claims.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { identities, issuers, type IssuerRow } from './issuers.table.ts';
import { RememberedScopes, type Found } from './remembered.ts';
import { suspended } from './standing.ts';
import { readTokenStandings } from './token-standing.ts';
import { readToken, refusedToken, type ShownToken } from './token-text.ts';

/** What the service is built on. */
export interface TokenParts {
  readonly database: Database;
  readonly acts: ActService;
  readonly keys: IssuerKeys;
  readonly clock: Clock;
}

/** Clocks differ: tokens are good until so many seconds after their `exp`, and from so many before their `nbf`. */
export const leewaySeconds = 60;

/** For so long a token that was good stays good without a look: what is withdrawn ends within 5 s. */
const rememberedMs = 3_000;
/** The last second that RFC 3339 can write. */
const lastSecond = 253_402_300_799;

/** Tokens of the issuers that tenants registered: who a caller is. */
export class TokenService {
  private readonly remembered = new RememberedScopes();

  constructor(private readonly parts: TokenParts) {}

  /**
   * The scope that a JWT proves. UNAUTHENTICATED says what is wrong with it, FORBIDDEN that its person may do nothing here, UNAVAILABLE that
   * the keys of its issuer cannot be read. A person who is seen for the first time becomes a member of the tenant.
   */
  async authenticate(token: string): Promise<Scope> {
    const shown = readToken(token);
    const name = createHash('sha256').update(token).digest('base64');
    return this.remembered.get(name, () => this.look(shown));
  }

  /** Looks again, when they are shown next, at the tokens of these issuers, members and tenants; at all of them without `ids`. */
  forget(ids: readonly string[] | null): void {
    const changed = new Set(ids);
    this.remembered.forget(
      ({ proof, memberId, tenantId }) => ids === null || changed.has(proof.id) || changed.has(memberId) || changed.has(tenantId),
    );
  }

  private async look(token: ShownToken): Promise<Found> {
    const issuer = await this.issuerOf(token);
    const claims = await this.verified(token, issuer);
    const person = personOf(claims, issuer);
    if (!person) throw refusedToken('this token does not say whom it is about, in the claim that its issuer was registered with');
    const roles = rolesOf(claims, issuer);
    if (!roles) throw new AppError('FORBIDDEN', 'this token is good, but names no role that its person could have here');
    const { tenantId, id, revision } = issuer;
    const expiresAt = new Date(Math.min(claims.exp ?? 0, lastSecond) * 1_000);
    const proof = { kind: 'token', id, expiresAt, revision, roles } as const;
    const memberId = await this.memberOf(issuer, person, proof);
    const [standing] = await readTokenStandings(this.parts.database.engine, [{ tenantId, memberId, roles }]);
    if (!standing) throw new AppError('FORBIDDEN', 'you are no member any more');
    if (standing.refusal) throw standing.refusal;
    const scope = new Scope(tenantId, memberId, proof, standing.held);
    const endsInMs = expiresAt.getTime() + leewaySeconds * 1_000 - this.parts.clock.now().getTime();
    return { scope, ttl: Math.floor(Math.min(rememberedMs, endsInMs)) };
  }

  /** One of the acts without a tenant (protocol.md, rule 20): before the issuer is found nobody knows whose token it is. */
  private async issuerOf({ issuer, audiences }: ShownToken): Promise<IssuerRow> {
    const [found, another] = await this.parts.database.engine.query
      .select({ row: issuers, suspendedAt: tenants.suspendedAt })
      .from(issuers)
      .innerJoin(tenants, and(eq(tenants.id, issuers.tenantId), isNull(tenants.deletedAt)))
      .where(
        and(
          eq(issuers.url, issuer),
          inArray(issuers.audience, audiences),
          eq(issuers.isEnabled, true),
          isNull(issuers.deletedAt),
        ),
      )
      .limit(2);
    // The same words for both: what others have registered is nobody's business.
    if (!found) throw refusedToken('no issuer (iss) is registered here for any audience (aud) that this token is for');
    if (another) throw refusedToken('this token is for more than one audience (aud) that is registered here; it must be for one');
    if (found.suspendedAt !== null) throw suspended();
    return found.row;
  }

  private async verified({ text }: ShownToken, issuer: IssuerRow): Promise<JWTPayload> {
    const { clock, keys } = this.parts;
    try {
      const { payload } = await jwtVerify(text, (header) => keys.find(issuer, header), {
        issuer: issuer.url,
        audience: issuer.audience,
        algorithms: issuer.algorithms,
        clockTolerance: leewaySeconds,
        requiredClaims: ['exp'],
        currentDate: clock.now(),
      });
      return payload;
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw refusedToken(faultOf(error), error);
    }
  }

  /** The member who a person is. First sight makes one, never an old one found by its address: whoever can choose an address could choose who to be. */
  private async memberOf(
    { tenantId, url, subjectClaim }: IssuerRow,
    person: Person,
    proof: Proof & { readonly kind: 'token' },
  ): Promise<string> {
    const { subject, email } = person;
    const [role = ''] = proof.roles;
    const connection = this.parts.database.as({ tenantId });
    const isThis = and(
      eq(identities.tenantId, tenantId),
      eq(identities.issuer, url),
      eq(identities.claim, subjectClaim),
      eq(identities.subject, subject),
    );
    const find = async ({ query }: Statements): Promise<string | null> => {
      const [identity] = await query.select({ memberId: identities.memberId }).from(identities).where(isThis);
      return identity?.memberId ?? null;
    };
    const known = await find(connection);
    if (known !== null) return known;
    return connection.transaction(
      async (transaction) => {
        // One at a time for a person: tokens come in many at once, and on every process.
        const lock = JSON.stringify([tenantId, url, subjectClaim, subject]);
        await transaction.sql((sql) => sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`);
        const made = await find(transaction);
        if (made !== null) return made;
        const memberId = await insertMember(transaction, { tenantId, email, role });
        await transaction.query.insert(identities).values({ tenantId, issuer: url, claim: subjectClaim, subject, memberId });
        const deed = { thing: memberId, before: null, after: { role } };
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
}

/** A new member; one without an address, or whose address somebody has already, gets one that reaches nobody (RFC 2606). */
async function insertMember(
  { query }: Statements,
  { tenantId, email, role }: { readonly tenantId: string; readonly email: string | null; readonly role: string },
): Promise<string> {
  const id = newId('mem');
  if (email !== null) {
    const [made] = await query
      .insert(members)
      .values({ id, tenantId, email, role })
      .onConflictDoNothing()
      .returning({ id: members.id });
    if (made) return id;
  }
  await query.insert(members).values({ id, tenantId, email: `${id}@members.invalid`, role });
  return id;
}

/** What is wrong with a token, in words that help whoever made it and give nothing of it away. */
function faultOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'this token has run out (exp): get a fresh one';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return 'this token is not valid yet (nbf)';
    return `this token’s claim ${error.claim} is missing or does not fit`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'this token is not signed with an algorithm (alg) that its issuer was registered with';
  if (error instanceof errors.JWKSNoMatchingKey) return 'this token is signed with a key (kid) that its issuer does not publish';
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'this token does not say with which key (kid) of its issuer it is signed';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of this token does not fit';
  return 'this token is no good JWT';
}
