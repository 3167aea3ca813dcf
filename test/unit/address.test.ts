import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { holderOf, isNetwork, trustProxies } from '../../src/kernel/address.ts';

const from = (remoteAddress: string | undefined, forwarded?: string) => ({
  socket: { remoteAddress } as Socket,
  headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
});

describe('the address of a client', () => {
  const proxies = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'];
  it.each<[string, readonly string[], string | undefined, string | undefined, string]>([
    ['is the socket’s without proxies', [], '203.0.113.5', '1.2.3.4', '203.0.113.5'],
    ['is the socket’s for strangers that claim to be another', proxies, '203.0.113.5', '1.2.3.4', '203.0.113.5'],
    ['is what a proxy says', proxies, '10.1.2.3', '203.0.113.5', '203.0.113.5'],
    ['is what the outermost proxy says', proxies, '10.1.2.3', '6.6.6.6, 203.0.113.5, 192.0.2.7', '203.0.113.5'],
    ['is the last proxy’s when all are ours', proxies, '10.1.2.3', '10.9.9.9, 192.0.2.7', '10.9.9.9'],
    ['is the proxy’s when it says nothing', proxies, '10.1.2.3', undefined, '10.1.2.3'],
    ['is the proxy’s when what it says is no address', proxies, '10.1.2.3', '203.0.113.5, evil"', '10.1.2.3'],
    ['has no port', proxies, '10.1.2.3', '203.0.113.5:4711', '203.0.113.5'],
    ['has no brackets', proxies, '10.1.2.3', '[2001:DB9::1]:4711', '2001:db9::1'],
    ['is IPv4 where it came in as IPv6', proxies, '::ffff:10.1.2.3', '::ffff:203.0.113.5', '203.0.113.5'],
    ['passes proxies of IPv6', proxies, '2001:db8::9', '203.0.113.5', '203.0.113.5'],
    ['is unknown when the socket is gone', proxies, undefined, '203.0.113.5', 'unknown'],
    ['ends after twenty hops', ['0.0.0.0/0'], '10.1.2.3', `6.6.6.6, ${Array(20).fill('10.0.0.1').join(', ')}`, '10.0.0.1'],
  ])('%s', (_name, networks, remote, forwarded, expected) => {
    expect(trustProxies(networks).of(from(remote, forwarded))).toBe(expected);
  });

  it('knows networks', () => {
    expect(['10.0.0.0/8', '::1', '127.0.0.1', '2001:db8::/128'].filter((text) => !isNetwork(text))).toEqual([]);
    expect(['', 'all', '10.0.0.0/', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0'].filter(isNetwork)).toEqual([]);
  });
});

it.each([
  ['203.0.113.5', '203.0.113.5'],
  ['unknown', 'unknown'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::2:0:0:0:1', '2001:db8:0:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s counts for %s', (address, holder) => expect(holderOf(address)).toBe(holder));
