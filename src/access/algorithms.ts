/** How tokens may be signed: with a private key that their issuer keeps. Secrets that both sides know (`HS256`) and `none` prove nothing. */
export const signingAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** Whether it is one of them. */
export function isSigningAlgorithm(name: unknown): name is SigningAlgorithm {
  return (signingAlgorithms as readonly unknown[]).includes(name);
}
