import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** A key from outside that wraps tenants' data keys. Printing one shows nothing of it. */
export interface MasterKey {
  /** 16 hex digits that tell it from others and give nothing of it away. */
  readonly id: string;
  readonly key: KeyObject;
}

const keyBytes = 32;
const mostKeys = 10;
const base64Of32Bytes = /^[A-Za-z0-9+/_-]{43}=?$/;

/**
 * Reads master keys, separated by commas, spaces or line breaks: the first wraps, all unwrap. Throws an Error that says which is none;
 * its text never repeats one.
 */
export function readMasterKeys(text: string): MasterKey[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) throw new Error('there is no key in it');
  if (words.length > mostKeys) throw new Error(`it has ${words.length} keys; ${mostKeys} are the most`);
  const keys = words.map((word, index) => masterKeyOf(word, index + 1));
  const [twice] = keys.filter(({ id }, index) => keys.findIndex((key) => key.id === id) !== index);
  if (twice) throw new Error(`it has the key ${twice.id} twice`);
  return keys;
}

function masterKeyOf(word: string, place: number): MasterKey {
  const bytes = base64Of32Bytes.test(word) ? Buffer.from(word, 'base64') : Buffer.alloc(0);
  if (bytes.length !== keyBytes) throw new Error(`its key ${place} is not ${keyBytes} bytes in base64`);
  if (bytes.every((byte) => byte === bytes[0])) throw new Error(`its key ${place} is the same byte again and again`);
  const id = createHmac('sha256', bytes).update('draftwire master key').digest('hex').slice(0, 16);
  return { id, key: createSecretKey(bytes) };
}
