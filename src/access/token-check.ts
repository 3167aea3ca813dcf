import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { AppError } from '../kernel/errors.ts';
import type { IssuerRow } from './issuers.table.ts';
import { refusedToken, type ShownToken } from './token-text.ts';

/** Clocks differ: tokens are good until so many seconds after their `exp`, and from so many before their `nbf`. */
export const leewaySeconds = 60;

/** The claims of a token that an issuer signed for its audience, and that is valid at `now`; else UNAUTHENTICATED, saying what is wrong with it. */
export async function verifyToken(
  { text }: Pick<ShownToken, 'text'>,
  { url, audience, algorithms }: Pick<IssuerRow, 'url' | 'audience' | 'algorithms'>,
  find: JWTVerifyGetKey,
  now: Date,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(text, find, {
      issuer: url,
      audience,
      algorithms,
      clockTolerance: leewaySeconds,
      requiredClaims: ['exp'],
      currentDate: now,
    });
    return payload;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refusedToken(faultOf(error), error);
  }
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
