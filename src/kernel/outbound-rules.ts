import { isIP } from 'node:net';
import { isNetwork, withinNetworks } from './address.ts';

/** Where this process may go when somebody else names the address: an issuer, a webhook. */
export interface OutboundRules {
  /** Why a URL is not called; null when it may be, as far as the URL alone tells. */
  refusalOf(url: URL): string | null;
  /** Whether the operator named this host: it is found as this machine finds it. */
  isOwn(host: string): boolean;
  /** Whether this address may be called for this host. Each address that a name stands for is asked about, and the one that was connected to. */
  isAllowed(host: string, address: string): boolean;
}

// What IANA's special-purpose registry calls not globally reachable, 6to4 relays, multicast, and the reserved rest.
const notPublic4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Public by its number, but inside Azure it is the host itself.
  '168.63.129.16',
];

// Of IPv6 only global unicast is public: loopback, mapped and NAT64 addresses, unique local, link-local and multicast lie outside it.
const globalUnicast = '2000::/3';
// Special within it: Teredo and the other protocol assignments, documentation, 6to4 (an IPv4 address in disguise).
const notPublic6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

// Of machines that speak for the cloud they are in; a name that is allowed does not open these, only they themselves do.
const linkLocal = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254', '100.100.100.200', '168.63.129.16', '192.0.0.192'];

const isSpecial4 = withinNetworks(notPublic4);
const isGlobalUnicast = withinNetworks([globalUnicast]);
const isSpecial6 = withinNetworks(notPublic6);
const isLinkLocal = withinNetworks(linkLocal);

/** Whether an address is one of the public internet; what is no address is not. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !isSpecial4(address);
  return isIP(address) === 6 && isGlobalUnicast(address) && !isSpecial6(address);
}

/** Whether it may stand in a list of what is allowed: a host, an address or a network. */
export function isOutboundEntry(text: string): boolean {
  return isNetwork(text) || /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(text);
}

/**
 * HTTPS to public addresses, and whatever `allowed` names beside: hosts (`idp.corp.example`, with whatever addresses they have but link-local ones),
 * addresses and networks (`10.2.0.0/16`). What is named there may also be called by plain HTTP.
 */
export function outboundRules(allowed: readonly string[]): OutboundRules {
  const isListed = withinNetworks(allowed.filter(isNetwork));
  const hosts = new Set(allowed.filter((entry) => !isNetwork(entry)).map((entry) => entry.toLowerCase()));
  const isAllowed = (host: string, address: string): boolean => {
    if (isIP(address) === 0) return false;
    return isPublicAddress(address) || isListed(address) || (hosts.has(host) && !isLinkLocal(address));
  };
  return {
    isAllowed,
    isOwn: (host) => hosts.has(host),
    refusalOf(url) {
      const host = hostOf(url);
      if (url.username !== '' || url.password !== '') return 'a URL holds no user and no password here';
      const isPlainAllowed = hosts.has(host) || (isIP(host) !== 0 && isListed(host));
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isPlainAllowed)) return 'only https is called';
      if (isIP(host) !== 0 && !isAllowed(host, host)) return notPublic;
      return null;
    },
  };
}

/** What is said of an address that is not called. */
export const notPublic = 'the address is not one of the public internet';

/** What is said of a name that is not called: the same whether nobody knows it or it is of a network behind us, or anybody could ask us which names there are. */
export const notPublicName = 'the name stands for no address of the public internet';

/** The host of a URL: without the brackets of IPv6 and the dot that ends a full name. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/(?<=.)\.$/, '');
}
