import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet, type JWTHeaderParameters } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { isObject } from '../kernel/object.ts';
import type { Log } from '../kernel/log.ts';
import { OutboundError, type CallOut } from '../kernel/outbound.ts';
import { isSigningAlgorithm, type SigningAlgorithm } from './algorithms.ts';

/** What an issuer publishes about itself. */
export interface Published {
  readonly jwks: JSONWebKeySet;
  /** Those of our list that it says it signs with; empty when it says nothing of the kind. */
  readonly algorithms: readonly SigningAlgorithm[];
}

/** Why an issuer cannot be read. The message is for whoever registered it. */
export class IssuerFault extends Error {
  override readonly name = 'IssuerFault';
}

/** Whose keys. */
interface Issuer {
  readonly id: string;
  readonly tenantId: string;
  readonly url: string;
}

/** What is known of one issuer. Times are of the monotonic clock. */
interface Known {
  find: ReturnType<typeof createLocalJWKSet> | null;
  readAt: number;
  reading: Promise<boolean> | null;
  /** How often it may be read just now, as it was at `countedAt`. */
  readsLeft: number;
  countedAt: number;
}

/** For so long keys are used without a look. */
const freshMs = 600_000;
/** For so long they are used while their issuer cannot be read. */
const keptMs = 86_400_000;
// Three reads at once, then one every ten seconds, whatever key ids tokens make up and however long the issuer is away.
const mostReads = 3;
const readEveryMs = 10_000;
const mostKeys = 100;
const mostKnown = 1_000;

/**
 * The public keys of issuers. Keys are found by discovery, kept, and read again when they are ten minutes old or a token names one that is not
 * among them: keys may change at any time. One read of an issuer at a time, and few of them: whoever makes tokens up decides which keys they name.
 */
export class IssuerKeys {
  private readonly known = new LRUCache<string, Known>({ max: mostKnown });

  constructor(private readonly parts: { readonly callOut: CallOut; readonly clock: Clock; readonly log: Log }) {}

  /** The key that a token's header names; what else the header says of keys (`jwk`, `jku`, `x5u`) is not looked at. UNAVAILABLE while there are none. */
  async find(issuer: Issuer, header: JWTHeaderParameters): Promise<CryptoKey> {
    const known = this.knownOf(issuer);
    const find = await this.findOf(issuer, known);
    try {
      return await find(header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.refresh(issuer, known))) throw error;
      return await (known.find ?? find)(header);
    }
  }

  /** Reads what is published under an issuer's URL now, on behalf of a tenant. Throws IssuerFault. */
  async read(url: string, tenantId: string): Promise<Published> {
    const place = `${url.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const discovery = await this.json(place, 'its discovery document', tenantId);
    const { issuer, jwks_uri: jwksUrl, id_token_signing_alg_values_supported: algorithms } = discovery;
    if (issuer !== url) throw new IssuerFault(`it calls itself ${shown(issuer)}: register it under exactly this name`);
    if (typeof jwksUrl !== 'string') throw new IssuerFault('its discovery document names no jwks_uri');
    const jwks = await this.json(jwksUrl, 'its keys', tenantId);
    const { keys } = jwks;
    if (!Array.isArray(keys) || !keys.every(isObject)) throw new IssuerFault('its keys are no JSON Web Key Set');
    if (keys.length > mostKeys) throw new IssuerFault(`it has ${keys.length} keys, more than ${mostKeys}`);
    return {
      jwks: { keys },
      algorithms: Array.isArray(algorithms) ? algorithms.filter(isSigningAlgorithm) : [],
    };
  }

  private knownOf({ id, url }: Issuer): Known {
    const name = `${id} ${url}`;
    const found = this.known.get(name);
    if (found) return found;
    const made = { find: null, readAt: 0, reading: null, readsLeft: mostReads, countedAt: this.parts.clock.monotonic() };
    this.known.set(name, made);
    return made;
  }

  private async findOf(issuer: Issuer, known: Known): Promise<ReturnType<typeof createLocalJWKSet>> {
    const age = this.parts.clock.monotonic() - known.readAt;
    if (known.find === null || age >= keptMs) {
      known.find = null;
      await this.refresh(issuer, known);
    } else if (age >= freshMs) {
      // Whoever comes now need not wait for it.
      void this.refresh(issuer, known);
    }
    // By now somebody else may have read it.
    const { find } = known;
    if (find !== null) return find;
    throw new AppError('UNAVAILABLE', 'the keys of this token’s issuer cannot be read at the moment', {
      retryAfterMs: readEveryMs,
    });
  }

  /** Reads the keys again unless that is being done; whether it was. Never rejects. */
  private async refresh(issuer: Issuer, known: Known): Promise<boolean> {
    if (known.reading === null) {
      if (!this.mayRead(known)) return false;
      known.reading = this.readInto(issuer, known).finally(() => {
        known.reading = null;
      });
    }
    return known.reading;
  }

  private mayRead(known: Known): boolean {
    const now = this.parts.clock.monotonic();
    const left = Math.min(mostReads, known.readsLeft + (now - known.countedAt) / readEveryMs);
    known.countedAt = now;
    known.readsLeft = left < 1 ? left : left - 1;
    return left >= 1;
  }

  private async readInto({ id, url, tenantId }: Issuer, known: Known): Promise<boolean> {
    const { clock, log } = this.parts;
    try {
      const { jwks } = await this.read(url, tenantId);
      known.find = createLocalJWKSet(jwks);
      known.readAt = clock.monotonic();
      return true;
    } catch (err) {
      // The keys that there are go on for a day.
      log.warn({ err, issuer: id }, 'the keys of an issuer could not be read');
      return false;
    }
  }

  private async json(url: string, what: string, party: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.parts
      .callOut(url, { headers: { accept: 'application/json' }, party })
      .catch((cause: unknown) => {
        if (cause instanceof OutboundError) throw new IssuerFault(`${what} cannot be read: ${cause.message}`, { cause });
        throw cause;
      });
    if (status !== 200) throw new IssuerFault(`${what} cannot be read: status ${status} where 200 is expected`);
    try {
      const read: unknown = JSON.parse(body.toString());
      if (isObject(read)) return read;
    } catch {
      // Said below.
    }
    throw new IssuerFault(`${what} cannot be read: it is no JSON object`);
  }
}

function shown(name: unknown): string {
  return typeof name === 'string' && /^[\x21-\x7e]{1,512}$/.test(name) ? name : 'nothing that could be a name';
}
