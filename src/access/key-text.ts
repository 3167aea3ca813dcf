import { createHmac, randomBytes } from 'node:crypto';
import { uuidOfId } from '../kernel/id.ts';
import { isSame } from '../kernel/same.ts';

// A key is `dw_live_<id>_<random><check>`, the token of an invitation `dw_invite_<id>_<random><check>`. The check is keyed by the process's secret, so a made-up key is refused without a query;
// an unkeyed sum (CRC) could be made up too, and a memory of refused keys alone would be filled by whoever guesses.
const pattern = /^Bearer +((dw_live|dw_invite)_([0-9a-z]{26})_[\w-]{32}[\w-]{11})$/i;
const prefixOf = { key: 'dw_live', inv: 'dw_invite' } as const;
const checkBytes = 8;
const checkLength = 11;
const idStart = 4;
/** The longest Authorization value that is looked at: a key has 78 characters, an invitation 80. */
const longestAuthorization = 200;

/** What is shown once and proves somebody: a key, or an invitation. */
export type SecretKind = keyof typeof prefixOf;

/** A key as its owner shows it, taken apart. */
export interface ShownKey {
  /** The whole key. */
  readonly key: string;
  /** Its id as a uuid. */
  readonly uuid: string;
}

/** What may be shown of a key to tell it from others: `dw_live_<id>`. */
export function fingerprintOf(id: string, kind: SecretKind = 'key'): string {
  return `${prefixOf[kind]}_${id.slice(idStart)}`;
}

/** The text of a new key with this id; 192 random bits. */
export function newKeyText(id: string, secret: string, kind: SecretKind = 'key'): string {
  const head = `${fingerprintOf(id, kind)}_${randomBytes(24).toString('base64url')}`;
  return head + checkOf(head, secret);
}

/** The key in an Authorization value; null when it is none of ours: malformed, of another kind, or its check is wrong. */
export function readKey(authorization: string, secret: string, kind: SecretKind = 'key'): ShownKey | null {
  const match = authorization.length <= longestAuthorization ? pattern.exec(authorization) : null;
  const [, key = '', prefix = '', id = ''] = match ?? [];
  if (prefix.toLowerCase() !== prefixOf[kind]) return null;
  const uuid = uuidOfId(`${kind}_${id}`, kind);
  const isOurs = uuid !== null && isSame(key.slice(-checkLength), checkOf(key.slice(0, -checkLength), secret));
  return isOurs ? { key, uuid } : null;
}

/** What is stored of a key: hex HMAC-SHA-256 of all of it. */
export function hashOf(key: string, secret: string): string {
  return createHmac('sha256', secret).update(key).digest('hex');
}

function checkOf(head: string, secret: string): string {
  return createHmac('sha256', secret).update(`check ${head}`).digest().subarray(0, checkBytes).toString('base64url');
}
