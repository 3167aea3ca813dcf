import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** What it takes to open what was sealed; all of it but `secret` and `key` is bound, so that nothing opens for another. */
export interface SealOf {
  /** The process's secret. */
  readonly secret: string;
  /** The idempotency key as the caller sent it. */
  readonly key: string;
  /** Whom and what the answer is for: tenant, member, proof, operation. */
  readonly context: readonly string[];
}

const [keyBytes, nonceBytes, tagBytes, saltBytes] = [32, 12, 16, 16];
const cipher = 'aes-256-gcm';

/**
 * Seals the secret part of an answer, for whoever repeats the call: AES-256-GCM under a key made (HKDF) from the process's secret and the
 * caller's idempotency key. The database has neither, only a hash of the latter: with all of it, or with the secret of the processes and no
 * idempotency key, nobody reads what was answered. A random salt gives each seal its own key, and so the nonce is never used twice.
 */
export function seal(text: string, of: SealOf): string {
  const [salt, nonce] = [randomBytes(saltBytes), randomBytes(nonceBytes)];
  const sealing = createCipheriv(cipher, keyOf(of, salt), nonce, { authTagLength: tagBytes });
  sealing.setAAD(boundBy(of));
  const body = Buffer.concat([sealing.update(text, 'utf8'), sealing.final()]);
  return Buffer.concat([salt, nonce, sealing.getAuthTag(), body]).toString('base64url');
}

/** The sealed text; null when it was sealed for somebody else, or is not whole. */
export function unseal(sealed: string, of: SealOf): string | null {
  const bytes = Buffer.from(sealed, 'base64url');
  const salt = bytes.subarray(0, saltBytes);
  const nonce = bytes.subarray(saltBytes, saltBytes + nonceBytes);
  const tag = bytes.subarray(saltBytes + nonceBytes, saltBytes + nonceBytes + tagBytes);
  if (tag.length !== tagBytes) return null;
  const opening = createDecipheriv(cipher, keyOf(of, salt), nonce, { authTagLength: tagBytes });
  opening.setAAD(boundBy(of));
  opening.setAuthTag(tag);
  try {
    const body = opening.update(bytes.subarray(saltBytes + nonceBytes + tagBytes));
    return Buffer.concat([body, opening.final()]).toString('utf8');
  } catch {
    // The tag does not fit: another key, another caller, or bytes that were changed.
    return null;
  }
}

function keyOf({ secret, key }: SealOf, salt: Buffer): Buffer {
  // Lengths first: no two pairs give the same bytes.
  const material = JSON.stringify([secret, key]);
  return Buffer.from(hkdfSync('sha256', material, salt, 'draftwire idempotent answer', keyBytes));
}

function boundBy({ context }: SealOf): Buffer {
  return Buffer.from(JSON.stringify(context));
}
