import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { isObject } from '../kernel/object.ts';
import type { Recorded } from './audit.table.ts';

/** All of an entry that its hash vouches for, as it is exported. */
export interface Sealable {
  readonly id: string;
  readonly tenantId: string;
  /** RFC 3339 in UTC with microseconds. */
  readonly createdAt: string;
  readonly operation: string;
  readonly code: string | null;
  readonly count: number;
  readonly actor: string;
  readonly proofKind: string;
  readonly proofId: string;
  readonly transport: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly thing: string | null;
  readonly before: Recorded | null;
  readonly after: Recorded | null;
}

/** Where a chain stands. */
export interface Head {
  readonly position: number;
  readonly hash: string;
}

/** A head as it is stored, with what vouches for it. */
export interface StoredHead extends Head {
  readonly mac: string;
  readonly doubtedAt: number | null;
}

/** Before the first entry of a tenant. */
export const beginning: Head = { position: 0, hash: '0'.repeat(64) };

const keyBytes = 32;

/** The head after one more entry: hex SHA-256 of the hash before, the position and the entry in canonical JSON. */
export function linked({ position, hash: previous }: Head, entry: Sealable): Head {
  const next = position + 1;
  const hash = createHash('sha256')
    .update(canonicalJson({ previous, position: next, entry }))
    .digest('hex');
  return { position: next, hash };
}

/** JSON as RFC 8785 writes it: names in the order of their UTF-16 code units, no white space, numbers and strings as JavaScript has them. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

/** Vouches for heads: who can write to the database and has not the processes' secret can make a chain, and no head for it. */
export class HeadSeal {
  private readonly key: Buffer;

  constructor(secret: string) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', 'draftwire audit heads', keyBytes));
  }

  /** Hex HMAC-SHA-256 of a tenant's head. */
  of(tenantId: string, { position, hash }: Head, doubtedAt: number | null): string {
    return createHmac('sha256', this.key).update(canonicalJson({ tenantId, position, hash, doubtedAt })).digest('hex');
  }

  fits(tenantId: string, head: StoredHead): boolean {
    return head.mac === this.of(tenantId, head, head.doubtedAt);
  }
}
