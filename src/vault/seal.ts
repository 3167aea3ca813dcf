import { createHmac, hkdfSync, type KeyObject } from 'node:crypto';
import { decrypt, encrypt, nonceBytes, tagBytes } from '../kernel/aead.ts';

/** What a sealed text belongs to. It opens only for the same: moved to another tenant, purpose or thing it is unreadable. */
export interface About {
  readonly tenantId: string;
  /** What kind of secret it is, such as `provider credential`. */
  readonly purpose: string;
  /** Which one of its tenant; unique within the purpose. */
  readonly thing: string;
}

/** A sealed text cannot be opened: it was changed or moved, or its key is missing or another one. The message holds no secret. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

/** Begins every sealed text, so that another format can be told from this one. */
const format = 'v1.';

/** Encrypts with AES-256-GCM under a fresh nonce: `v1.` and base64url of nonce, ciphertext and tag. `key` has 32 bytes. */
export function seal(key: KeyObject, plain: Uint8Array, about: About): string {
  const { nonce, body, tag } = encrypt(key, plain, bytesOf(about));
  return format + Buffer.concat([nonce, body, tag]).toString('base64url');
}

/** What was sealed; throws UnreadableError unless every bit of it, and what it is about, is as it was. */
export function unseal(key: KeyObject, sealed: string, about: About): Buffer {
  const bytes = sealed.startsWith(format) ? Buffer.from(sealed.slice(format.length), 'base64url') : Buffer.alloc(0);
  if (bytes.length < nonceBytes + tagBytes) throw new UnreadableError('this is no sealed text');
  const [nonce, body, tag] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes, -tagBytes), bytes.subarray(-tagBytes)];
  const plain = decrypt(key, { nonce, body, tag }, bytesOf(about));
  if (!plain) throw new UnreadableError('it was changed, or sealed for something else or with another key');
  return plain;
}

/** What may be shown of a secret, to tell it from others: 16 hex digits of a hash that nobody can make without this key. */
export function fingerprintOf(key: KeyObject, plain: string, purpose: string): string {
  const hashKey = Buffer.from(hkdfSync('sha256', key, '', `draftwire fingerprint ${purpose}`, 32));
  return createHmac('sha256', hashKey).update(plain).digest('hex').slice(0, 16);
}

/** As JSON, so that no two different values have the same bytes, whatever their parts contain. */
function bytesOf({ tenantId, purpose, thing }: About): Buffer {
  return Buffer.from(JSON.stringify(['draftwire', tenantId, purpose, thing]));
}
