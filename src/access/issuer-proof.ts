import { createLocalJWKSet } from 'jose';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { personOf } from './claims.ts';
import type { Published } from './issuer-keys.ts';
import type { IssuerRow } from './issuers.table.ts';
import { verifyToken } from './token-check.ts';
import { readToken, type ShownToken } from './token-text.ts';

const path = ['input', 'token'];

/**
 * What proves that an audience is the caller's to register: a token that is for it; null where none is needed, for nobody else may have
 * the tenant's own id. INVALID_INPUT when it is missing or no token.
 */
export function proofOf({ tenantId }: Scope, audience: string, token: string | null | undefined): ShownToken | null {
  if (token == null && audience === tenantId) return null;
  if (token == null)
    throw new AppError('INVALID_INPUT', 'an audience that is not the id of your tenant needs a valid token that is for it', {
      path,
    });
  try {
    return readToken(token);
  } catch (error) {
    throw asInput(error);
  }
}

/** Throws INVALID_INPUT unless the token is the issuer's, for the audience, valid now, and says whom it is about as tokens are to be read. */
export async function checkProof(
  proof: ShownToken,
  issuer: Pick<IssuerRow, 'url' | 'audience' | 'algorithms' | 'subjectClaim' | 'emailClaim'>,
  { jwks }: Pick<Published, 'jwks'>,
  now: Date,
): Promise<void> {
  const claims = await verifyToken(proof, issuer, createLocalJWKSet(jwks), now).catch((error: unknown) => {
    throw asInput(error);
  });
  if (!personOf(claims, issuer))
    throw new AppError('INVALID_INPUT', `this token does not say whom it is about, in the claim ${issuer.subjectClaim}`, {
      path,
    });
}

/** Here a token is no proof of who calls, but a value of the input. */
function asInput(fault: unknown): unknown {
  return fault instanceof AppError ? new AppError('INVALID_INPUT', fault.message, { path, cause: fault }) : fault;
}
