import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { Provider, type Asked } from 'oidc-provider';

/** Whom a token is for, and what it says. */
export interface TokenOf {
  readonly person?: 'ada' | 'bob' | 'eve';
  readonly audience: string;
  /** Claims beside the usual ones. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly lifeSeconds?: number;
}

/** An OpenID provider on loopback, the real one of the library oidc-provider; it can rotate its keys, and fall over. */
export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  /** What makes an app call it: its address is not one of the internet. */
  readonly env: { readonly OUTBOUND_ALLOW: string };
  /** How often its keys were read. */
  readonly reads: number;
  /** An access token, by the client credentials grant. */
  token(of: TokenOf): Promise<string>;
  /** A token that it would never make, signed with its key unless another is given. */
  forge(payload: JWTPayload, header?: Readonly<Record<string, unknown>>, key?: CryptoKey | Uint8Array): Promise<string>;
  /** Its keys as it publishes them. */
  published(): Promise<{ readonly keys: readonly Record<string, unknown>[] }>;
  /** Signs with a new key from now on, and publishes no other. */
  rotate(): Promise<void>;
  /** `away` cuts every connection. */
  become(state: 'here' | 'away'): void;
}

const secret = 'a-secret-of-the-clients-of-a-test-issuer';
const people = ['ada', 'bob', 'eve'];

/** Opens one that signs with ES256. */
export async function openIssuer(): Promise<TestIssuer> {
  let answer: RequestListener = () => undefined;
  let state: 'here' | 'away' = 'here';
  let reads = 0;
  let made = 0;
  const server = createServer((request, response) => {
    if (state === 'away') return void request.socket.destroy();
    if (request.url === '/jwks') reads += 1;
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let key: CryptoKey;
  let kid: string;

  const rotate = async (): Promise<void> => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    key = pair.privateKey;
    kid = `key-${(made += 1)}`;
    answer = new Provider(url, configurationOf({ ...(await exportJWK(key)), kid, use: 'sig', alg: 'ES256' })).callback();
  };
  await rotate();

  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url,
    env: { OUTBOUND_ALLOW: '127.0.0.1' },
    get reads() {
      return reads;
    },
    async token({ person = 'ada', audience, claims = {}, lifeSeconds = 600 }) {
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${person}:${secret}`).toString('base64')}` },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          resource: 'urn:draftwire',
          wished: JSON.stringify({ audience, claims, lifeSeconds }),
        }),
      });
      const { access_token: token } = (await response.json()) as { access_token?: string };
      if (token === undefined) throw new Error(`the issuer gave no token: ${response.status}`);
      return token;
    },
    forge: async (payload, header = {}, signedWith = key) =>
      new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(signedWith),
    published: async () => (await fetch(`${url}/jwks`)).json() as never,
    rotate,
    become(next) {
      state = next;
    },
    [Symbol.asyncDispose]: close,
  };
}

interface Wished {
  readonly audience: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly lifeSeconds: number;
}

/** What a request for a token wishes for, in a parameter of our own. */
function wishedBy({ oidc }: Asked): Wished {
  return JSON.parse(String(oidc.body?.['wished'])) as Wished;
}

function configurationOf(key: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return {
    jwks: { keys: [key] },
    cookies: { keys: [secret] },
    clients: people.map((name) => ({
      client_id: name,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    extraParams: ['wished'],
    extraTokenClaims: (asked: Asked) => wishedBy(asked).claims,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (asked: Asked) => ({
          scope: '',
          audience: wishedBy(asked).audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: wishedBy(asked).lifeSeconds,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    ttl: {
      ClientCredentials: (_asked: Asked, token: { resourceServer?: { accessTokenTTL: number } }) =>
        token.resourceServer?.accessTokenTTL ?? 600,
    },
  };
}
