import { hkdfSync, randomBytes } from 'node:crypto';
import { decrypt, encrypt, nonceBytes, tagBytes } from '../kernel/aead.ts';

/** What it takes to open what was sealed; all of it but `secret` and `key` is bound, so that nothing opens for another. */
export interface SealOf {
  /** The process's secret. */
  readonly secret: string;
  /** The idempotency key as the caller sent it. */
  readonly key: string;
  /** Whom and what the answer is for: tenant, member, proof, operation. */
  readonly context: readonly string[];
}

const [keyBytes, saltBytes] = [32, 16];
/** Where salt, nonce, tag and body begin and end. */
const parts = [
  [0, saltBytes],
  [saltBytes, saltBytes + nonceBytes],
  [saltBytes + nonceBytes, saltBytes + nonceBytes + tagBytes],
  [saltBytes + nonceBytes + tagBytes, Infinity],
] as const;

/**
 * Seals the secret part of an answer, for whoever repeats the call: AES-256-GCM under a key made (HKDF) from the process's secret and the
 * caller's idempotency key. The database has neither, only a hash of the latter: with all of it, or with the secret of the processes and no
 * idempotency key, nobody reads what was answered. A random salt gives each seal its own key, and so the nonce is never used twice.
 */
export function seal(text: string, of: SealOf): string {
  const salt = randomBytes(saltBytes);
  const { nonce, body, tag } = encrypt(keyOf(of, salt), Buffer.from(text), boundBy(of));
  return Buffer.concat([salt, nonce, tag, body]).toString('base64url');
}

/** The sealed text; null when it was sealed for somebody else, or is not whole. */
export function unseal(sealed: string, of: SealOf): string | null {
  const bytes = Buffer.from(sealed, 'base64url');
  const [salt, nonce, tag, body] = parts.map(([from, to]) => bytes.subarray(from, to)) as [Buffer, Buffer, Buffer, Buffer];
  return decrypt(keyOf(of, salt), { nonce, body, tag }, boundBy(of))?.toString() ?? null;
}

function keyOf({ secret, key }: SealOf, salt: Buffer): Buffer {
  // Lengths first: no two pairs give the same bytes.
  const material = JSON.stringify([secret, key]);
  return Buffer.from(hkdfSync('sha256', material, salt, 'draftwire idempotent answer', keyBytes));
}

function boundBy({ context }: SealOf): Buffer {
  return Buffer.from(JSON.stringify(context));
}
