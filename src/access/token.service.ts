import { createHash } from 'node:crypto';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { newId } from '../kernel/id.ts';
import { Scope } from '../kernel/scope.ts';
import { members } from '../tenants/tenants.table.ts';
import { permissionsOf, personOf, type Person } from './claims.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { identities, issuers, type IssuerRow } from './issuers.table.ts';
import { RememberedScopes, type Found } from './remembered.ts';
import { readToken, refusedToken, type ShownToken } from './token-text.ts';

/** What the service is built on. */
export interface TokenParts {
  readonly database: Database;
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
  private readonly revisions = new WeakMap<Scope, number>();

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

  /** Looks again at the tokens of these issuers when they are shown next; at all of them without `ids`. */
  forget(ids: readonly string[] | null): void {
    this.remembered.forget(({ proof }) => ids === null || ids.includes(proof.id));
  }

  /** The revision of the issuer by which a scope of ours was made; null for one that is not ours. */
  revisionOf(scope: Scope): number | null {
    return this.revisions.get(scope) ?? null;
  }

  private async look(token: ShownToken): Promise<Found> {
    const issuer = await this.issuerOf(token);
    const claims = await this.verified(token, issuer);
    const person = personOf(claims, issuer);
    if (!person) throw refusedToken('this token does not say whom it is about, in the claim that its issuer was registered with');
    const permissions = permissionsOf(claims, issuer);
    if (!permissions) throw new AppError('FORBIDDEN', 'this token is good, but no role that it names may do anything here');
    const memberId = await this.memberOf(issuer, person);
    const expiresAt = new Date(Math.min(claims.exp ?? 0, lastSecond) * 1_000);
    const scope = new Scope(issuer.tenantId, memberId, { kind: 'token', id: issuer.id, expiresAt }, permissions);
    this.revisions.set(scope, issuer.revision);
    const endsInMs = expiresAt.getTime() + leewaySeconds * 1_000 - this.parts.clock.now().getTime();
    return { scope, ttl: Math.floor(Math.min(rememberedMs, endsInMs)) };
  }

  /** One of the acts without a tenant (protocol.md, rule 20): before the issuer is found nobody knows whose token it is. */
  private async issuerOf({ issuer, audiences }: ShownToken): Promise<IssuerRow> {
    const [found, another] = await this.parts.database.engine.query
      .select()
      .from(issuers)
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
    return found;
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
  private async memberOf({ tenantId, url, subjectClaim }: IssuerRow, { subject, email }: Person): Promise<string> {
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
        const person = JSON.stringify([tenantId, url, subjectClaim, subject]);
        await transaction.sql((sql) => sql`select pg_advisory_xact_lock(hashtextextended(${person}, 0))`);
        const made = await find(transaction);
        if (made !== null) return made;
        const memberId = await insertMember(transaction, tenantId, email);
        await transaction.query.insert(identities).values({ tenantId, issuer: url, claim: subjectClaim, subject, memberId });
        return memberId;
      },
      { idempotent: true },
    );
  }
}

/** A new member; one without an address, or whose address somebody has already, gets one that reaches nobody (RFC 2606). */
async function insertMember({ query }: Statements, tenantId: string, email: string | null): Promise<string> {
  const id = newId('mem');
  if (email !== null) {
    const [made] = await query
      .insert(members)
      .values({ id, tenantId, email })
      .onConflictDoNothing()
      .returning({ id: members.id });
    if (made) return id;
  }
  await query.insert(members).values({ id, tenantId, email: `${id}@members.invalid` });
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
