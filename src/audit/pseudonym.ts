import { createHmac, hkdfSync } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { prefixOfId, uuidOfId } from '../kernel/id.ts';
import { isObject } from '../kernel/object.ts';
import type { Recorded } from './audit.table.ts';

const keyBytes = 32;
/** 128 bits: nobody meets another's by chance. */
const shownBytes = 16;
/** Names under which nothing is recorded, should a caller ever try. */
const withheldNames: ReadonlySet<string> = new Set([
  'secret',
  'apiKey',
  'password',
  'token',
  'text',
  'body',
  'prompt',
  'draft',
  'variables',
  'metadata',
]);
const emailPattern = /^[^\s@]+@[^\s@]+$/;
/** An address among other words; its parts are no longer than RFC 5321 has them, so that no text takes long to look through. */
const writtenEmails = /[^\s@()<>[\]"',;:]{1,64}@[^\s@()<>[\]"',;:]{0,254}[^\s@()<>[\]"',;:.’]/gu;

/**
 * How the audit log names people: by a keyed hash, with a key for each tenant made from the process's secret. Whoever knows a member's id
 * finds what they did; with the member's row the way from the pseudonym to the person is gone, and the log need not change.
 */
export class Pseudonyms {
  private readonly keys = new LRUCache<string, Buffer>({ max: 10_000 });
  private readonly known = new LRUCache<string, string>({ max: 50_000 });

  constructor(private readonly secret: string) {}

  /** The pseudonym of a member's id, or of any other word for a person: `person_` and 22 characters. */
  of(tenantId: string, person: string): string {
    const name = `${tenantId} ${person}`;
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const hash = createHmac('sha256', this.keyOf(tenantId)).update(person).digest();
    const pseudonym = `person_${hash.subarray(0, shownBytes).toString('base64url')}`;
    this.known.set(name, pseudonym);
    return pseudonym;
  }

  /** The id of a thing as it is recorded: that of a person becomes a pseudonym. */
  ofThing(tenantId: string, thing: string): string {
    return prefixOfId(thing) === 'mem' ? this.of(tenantId, thing) : thing;
  }

  /**
   * What may be recorded: ids and addresses of people become pseudonyms, and what is named like a secret or a letter's part is withheld. Names
   * of things (keys, roles, tenants, routes) stay as they were typed: an auditor has nothing else to know a thing by that is gone.
   */
  without(tenantId: string, recorded: Readonly<Recorded> | null): Recorded | null {
    return recorded && (this.purified(tenantId, recorded) as Recorded);
  }

  private purified(tenantId: string, value: unknown): unknown {
    if (typeof value === 'string') {
      const isPerson = uuidOfId(value, 'mem') !== null || emailPattern.test(value);
      return isPerson ? this.of(tenantId, value) : value.replaceAll(writtenEmails, (email) => this.of(tenantId, email));
    }
    if (Array.isArray(value)) return value.map((each) => this.purified(tenantId, each));
    if (!isObject(value) || value instanceof Date) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, withheldNames.has(name) ? '(withheld)' : this.purified(tenantId, each)]),
    );
  }

  private keyOf(tenantId: string): Buffer {
    const known = this.keys.get(tenantId);
    if (known) return known;
    const key = Buffer.from(hkdfSync('sha256', this.secret, tenantId, 'draftwire audit pseudonyms', keyBytes));
    this.keys.set(tenantId, key);
    return key;
  }
}

/** The network that an address is in, `203.0.113.0/24` or `2001:db8:1::/48`: enough to see where from, too little to find a person. Null for none. */
export function networkOf(address: string): string | null {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
  if (isIP(address) === 0) return null;
  const [head = ''] = address.split('%');
  const parts = head.includes('::') ? head.slice(0, head.indexOf('::')).split(':') : head.split(':');
  const kept = [0, 1, 2].map((index) => Number.parseInt(parts[index] || '0', 16).toString(16));
  return `${kept.join(':').replace(/(?:^0)?(?::0)+$/, '')}::/48`;
}
