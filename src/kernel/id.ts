import { createHash } from 'node:crypto';
import { v7 } from 'uuid';

/** Every kind of thing that has an id, by the prefix its ids carry. */
export const idPrefixes = {
  ten: 'Tenant',
  mem: 'Member',
  key: 'ApiKey',
  tpl: 'Template',
  tpv: 'TemplateVersion',
  gen: 'Generation',
} as const;

export type IdPrefix = keyof typeof idPrefixes;

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const values = new Map(alphabet.split('').map((character, value) => [character, BigInt(value)]));
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const idPattern = /^([a-z]{3})_([0-7][0-9a-hjkmnp-tv-z]{25})$/;

/** A fresh id, `gen_01j...`: the prefix and a UUIDv7 in Crockford's base 32 (TypeID), so later ids sort later. */
export function newId(prefix: IdPrefix): string {
  return idOfUuid(prefix, v7());
}

/** The same id for the same name, for things that are known before they are stored (library templates). A UUIDv8 of its SHA-256. */
export function idOfName(prefix: IdPrefix, name: string): string {
  const hex = createHash('sha256').update(name).digest('hex').slice(0, 32).split('');
  hex[12] = '8';
  hex[16] = (8 + (Number.parseInt(hex[16] ?? '0', 16) % 4)).toString(16);
  return idOfUuid(prefix, hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
}

/** The text form of a stored UUID. */
export function idOfUuid(prefix: IdPrefix, uuid: string): string {
  if (!uuidPattern.test(uuid)) throw new Error(`not a uuid: ${uuid}`);
  let rest = BigInt(`0x${uuid.replaceAll('-', '')}`);
  let text = '';
  for (let digit = 0; digit < 26; digit++) {
    text = alphabet[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return `${prefix}_${text}`;
}

/** The UUID inside an id; null when the text is no id or, with `prefix`, one of another kind. */
export function uuidOfId(id: string, prefix?: IdPrefix): string | null {
  const match = idPattern.exec(id);
  if (!match || (prefix !== undefined && match[1] !== prefix)) return null;
  let value = 0n;
  for (const character of match[2] ?? '') value = (value << 5n) | (values.get(character) ?? 0n);
  const hex = value.toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The kind of thing an id names; null when it is no id of ours. */
export function prefixOfId(id: string): IdPrefix | null {
  const prefix = idPattern.exec(id)?.[1];
  return prefix !== undefined && Object.hasOwn(idPrefixes, prefix) ? (prefix as IdPrefix) : null;
}
