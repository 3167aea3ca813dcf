import type { Caller } from './seed.ts';
import type { TestIssuer } from './issuer.ts';

/** What most tests of tokens register: who writes, who reads, and who looks at no letters. */
export const roles = [
  { value: 'writer', role: 'editor' },
  { value: 'reader', role: 'reviewer' },
  { value: 'looker', role: 'operator' },
];

const create = `mutation ($input: IssuerCreateInput!) {
  issuerCreate(input: $input) { issuer { id audience algorithms } errors { code message path } }
}`;

/** A registered issuer as a test needs it. */
export interface Registered {
  readonly id: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
}

/** Registers an issuer with these roles, showing a token of its own where the audience is given; throws on errors in the payload. */
export async function register(
  asker: Pick<Caller, 'ask'>,
  issuer: Pick<TestIssuer, 'url' | 'token'>,
  input: Readonly<Record<string, unknown>> = {},
): Promise<Registered> {
  const { audience } = input;
  const token = typeof audience === 'string' ? await issuer.token({ audience }) : null;
  const { issuerCreate } = await asker.ask<{ issuerCreate: { issuer: Registered | null; errors: unknown[] } }>(create, {
    input: { url: issuer.url, token, roleClaim: 'roles', roles, ...input },
  });
  if (!issuerCreate.issuer) throw new Error(JSON.stringify(issuerCreate.errors));
  return issuerCreate.issuer;
}
