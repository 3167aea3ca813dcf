import { createCipheriv, createDecipheriv, randomBytes, type CipherKey } from 'node:crypto';

/** What an encryption leaves: all of it is stored, in whatever order. */
export interface Encrypted {
  /** Never the same twice under one key. */
  readonly nonce: Buffer;
  /** As long as what was encrypted. */
  readonly body: Buffer;
  readonly tag: Buffer;
}

/** The bytes of a nonce and of a tag. */
export const [nonceBytes, tagBytes] = [12, 16];

const algorithm = 'aes-256-gcm';
// Without its length stated a tag of 4 bytes would do, which can be guessed.
const options = { authTagLength: tagBytes };

/** AES-256-GCM under a fresh nonce; `key` has 32 bytes. It opens only together with what it is bound to, which is not stored. */
export function encrypt(key: CipherKey, plain: Uint8Array, boundTo: Uint8Array): Encrypted {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, options);
  cipher.setAAD(boundTo);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce, body, tag: cipher.getAuthTag() };
}

/** What was encrypted; null unless every bit of it, the key and what it is bound to are as they were. */
export function decrypt(key: CipherKey, { nonce, body, tag }: Encrypted, boundTo: Uint8Array): Buffer | null {
  if (nonce.length !== nonceBytes || tag.length !== tagBytes) return null;
  const decipher = createDecipheriv(algorithm, key, nonce, options);
  decipher.setAAD(boundTo);
  decipher.setAuthTag(tag);
  try {
    // Nothing of it is authentic before `final`.
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    // Node's own error says no more than this.
    return null;
  }
}
