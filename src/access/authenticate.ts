import type { Credentials } from '../graphql/pipeline-options.ts';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import type { AcceptanceService } from './acceptance.service.ts';
import type { KeyService } from './key.service.ts';
import { tokenOf } from './token-text.ts';
import type { TokenService } from './token.service.ts';

/**
 * Who a caller is, by an invitation, an API key or a token of an issuer. A page's sign-in (authorization code with PKCE) would attach here: its
 * session cookie becomes one more kind of credentials, and its person is found by the same identities as a token's.
 */
export function authenticateBy(
  invitations: AcceptanceService,
  keys: KeyService,
  tokens: TokenService,
): (credentials: Credentials) => Promise<Scope> {
  return async (shown) => {
    const { authorization } = shown;
    if (authorization === null)
      throw new AppError('UNAUTHENTICATED', 'a key or token is missing: send the header authorization: Bearer <key>');
    // What is remembered was read and checked before.
    const known = keys.recall(authorization);
    if (known) return known;
    // Node joins what comes twice, as proxies may: which one holds would be a guess.
    if (authorization.includes(',')) throw new AppError('UNAUTHENTICATED', 'there are two authorizations: send one');
    const token = tokenOf(authorization);
    if (token !== null) return tokens.authenticate(token);
    return invitations.authenticate(shown) ?? keys.authenticate(shown);
  };
}
