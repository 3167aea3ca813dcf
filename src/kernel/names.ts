import { lookup, Resolver } from 'node:dns/promises';
import { Line } from './line.ts';

/** The addresses that a name stands for. Rejects when there are none, or once the signal is aborted. */
export type FindAddresses = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** How names are found, unless a test brings another way. */
export interface NamesWorld {
  /** As programs of this machine find them: `/etc/hosts`, search domains and all. */
  readonly system: (host: string) => Promise<readonly string[]>;
  /** Name servers to ask, as `address:port`; those of this machine when absent. */
  readonly servers?: readonly string[];
}

const realWorld: NamesWorld = {
  system: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
};

/**
 * Finds names that tenants chose. Node finds the system's way (getaddrinfo) on its four threads, which files and ciphers need too, and cannot
 * be told to stop: whoever owns a name server that never answers would hold them all. So only names that the operator listed, `isOwn`, are
 * found that way, two at once; all others are asked of the name servers themselves, over sockets, and given up with the signal.
 */
export function openNames(isOwn: (host: string) => boolean, world: Partial<NamesWorld> = {}): FindAddresses {
  const { system, servers } = { ...realWorld, ...world };
  const threads = new Line({ atOnce: 2, perParty: 1, waiting: 64 });
  return (host, signal) => (isOwn(host) ? threads.run(host, signal, () => system(host)) : asked(host, signal, servers));
}

async function asked(host: string, signal: AbortSignal, servers: readonly string[] | undefined): Promise<readonly string[]> {
  signal.throwIfAborted();
  const resolver = new Resolver({ timeout: 1_500, tries: 3 });
  if (servers) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    signal.throwIfAborted();
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (addresses.length === 0 && failed) throw failed.reason as Error;
    return addresses;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
