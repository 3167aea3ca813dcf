import { isIP, type LookupFunction } from 'node:net';
import { LRUCache } from 'lru-cache';
import { Line, LineFull } from './line.ts';
import { openNames, type FindAddresses } from './names.ts';
import type { OutboundRules } from './outbound-rules.ts';
import { allowedAddresses, OutboundError } from './outbound.ts';

/** How connections to addresses that somebody else named are made by those who open their own sockets. */
export interface OutboundDial {
  /** Why a URL is not connected to; null when it may be, as far as the URL alone tells. */
  refusalOf(url: URL): string | null;
  /** Gives the addresses of a name for the socket to connect to, all of them allowed; else fails with an OutboundError. */
  readonly lookup: LookupFunction;
  /** Whether this may be at the end of a socket that was connected for this host: to be asked before a byte is sent. */
  isAllowed(host: string, address: string): boolean;
}

/** Look-ups of names under way: all wait in one line, those of one party for its own few places. */
const lookUps = { atOnce: 16, perParty: 2, waiting: 16 } as const;
const longestLookUpMs = 5_000;
/** So long the addresses of a name are used again, which have been looked at. */
const knownMs = 5_000;

/** The world, unless a test brings another. */
interface DialWorld {
  readonly resolve: FindAddresses;
  readonly keepMs: number;
}

/**
 * The guard of `openOutbound` for connections that are kept and streamed over. A name is looked up once, every address that it stands for has to be
 * allowed, and one of these very addresses is connected to. One dial for each `party`, such as a tenant: slow names of one keep none of another waiting.
 */
export function openDial(
  rules: OutboundRules,
  { resolve = openNames((host) => rules.isOwn(host)), keepMs = knownMs }: Partial<DialWorld> = {},
): (party: string) => OutboundDial {
  const line = new Line(lookUps);
  const allowed = allowedAddresses(rules, resolve);
  const known = new LRUCache<string, Promise<readonly string[]>>({ max: 1_000, ttl: keepMs });

  const find = async (party: string, host: string): Promise<readonly string[]> => {
    const signal = AbortSignal.timeout(longestLookUpMs);
    try {
      return await line.run(party, signal, () => allowed(host, signal));
    } catch (cause) {
      if (cause instanceof LineFull) throw new OutboundError('late', 'too many names are looked up just now', { cause });
      if (signal.aborted) throw new OutboundError('late', `the name was not found within ${longestLookUpMs} ms`, { cause });
      throw cause;
    }
  };
  const found = (party: string, host: string): Promise<readonly string[]> => {
    const key = JSON.stringify([party, host]);
    const before = known.get(key);
    if (before) return before;
    const looking = find(party, host);
    known.set(key, looking);
    // A failure is not kept: the next call looks again.
    looking.catch(() => known.get(key) === looking && known.delete(key));
    return looking;
  };

  return (party) => ({
    refusalOf: (url) => rules.refusalOf(url),
    isAllowed: (host, address) => rules.isAllowed(host, address),
    lookup: (host, { all }, give) => {
      found(party, host).then(
        (addresses) => {
          const known = addresses.map((address) => ({ address, family: isIP(address) }));
          if (all === true) give(null, known);
          else give(null, known[0]?.address ?? '', known[0]?.family);
        },
        (error: unknown) => give(error as Error, ''),
      );
    },
  });
}
