import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Where requests come from. */
export interface Addresses {
  /** The client's address as far as it can be believed; 'unknown' when its socket is gone. */
  of(request: Pick<IncomingMessage, 'headers' | 'socket'>): string;
}

// More names than any chain of proxies has; what is left of them is the client's own invention.
const mostHops = 20;

/**
 * X-Forwarded-For is believed only as far as our own proxies wrote it: from the right, past every address in `networks`
 * (`10.0.0.0/8`, `::1`), to the first that is none of them.
 */
export function trustProxies(networks: readonly string[]): Addresses {
  const isTrusted = withinNetworks(networks);
  return {
    of({ headers, socket }) {
      let address = plainAddress(socket.remoteAddress ?? '');
      if (address === null) return 'unknown';
      const { 'x-forwarded-for': forwarded } = headers;
      if (networks.length === 0 || forwarded === undefined) return address;
      const hops = (Array.isArray(forwarded) ? forwarded.join(',') : forwarded).split(',').slice(-mostHops);
      while (isTrusted(address)) {
        const before = plainAddress(hops.pop() ?? '');
        if (before === null) break;
        address = before;
      }
      return address;
    },
  };
}

/** Tells whether an address is in one of the networks (`10.0.0.0/8`, `::1`). */
export function withinNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) addTo(list, network);
  return (address) => list.check(address, familyOf(address));
}

/** Whether it is an address or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  if (isIP(address) === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIP(address) === 4 ? 32 : 128));
}

/** Whether an address is this machine's loopback. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/**
 * Whom an address counts for: an IPv4 address for itself, an IPv6 address for its /64, for that is the least that a network is given, and
 * whoever has one can come from any address in it.
 */
export function holderOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const parts = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, behind] = [parts(head), parts(tail ?? '')];
  // An address in IPv4's form stands for two parts.
  const length = before.length + behind.length + (address.includes('.') ? 1 : 0);
  const whole =
    tail === undefined ? before : [...before, ...Array.from({ length: Math.max(0, 8 - length) }, () => '0'), ...behind];
  return `${whole
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`;
}

function addTo(list: BlockList, network: string): void {
  const [address = '', bits] = network.split('/');
  if (bits === undefined) list.addAddress(address, familyOf(address));
  else list.addSubnet(address, Number(bits), familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** Without port, brackets and the IPv6 form of IPv4; null when it is no address. */
function plainAddress(text: string): string | null {
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+)$/.exec(text.trim()) ?? [];
  const bare = (bracketed ?? dotted ?? text.trim()).replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(bare) === 0 ? null : bare.toLowerCase();
}
