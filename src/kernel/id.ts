import { createHash } from 'node:crypto';
import { v7 } from 'uuid';

/** Every kind of thing that has an id, by the prefix its ids carry. */
export const idPrefixes = {
  ten: 'Tenant',
  mem: 'Member',
  key: 'ApiKey',
  iss: 'Issuer',
  rol: 'Role',
  inv: 'Invitation',
  tpl: 'Template',
  tpv: 'TemplateVersion',
  gen: 'Generation',
  aud: 'AuditEntry',
  pcr: 'ProviderCredential',
  rte: 'Route',
  rtv: 'RouteVersion',
  bud: 'Budget',
} as const;

export type IdPrefix = keyof typeof idPrefixes;

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
/** By the code of their character. */
const values = new Uint8Array(128);
for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value;
/** A uuid is written here and made in one go. */
const room = Buffer.alloc(36);
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const hexDigits = '0123456789abcdef';
const [digit0, letterA, dash] = [48, 97, 45] as const;
/** Three letters and the underscore. */
const prefixLength = 4;
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
  // 26 characters of 5 bits begin two bits before the 128. No BigInt: every row of every page comes through here.
  const codes: number[] = [];
  let bits = 0;
  let count = 2;
  for (let index = 0; index < uuid.length; index++) {
    const code = uuid.charCodeAt(index);
    if (code === dash) continue;
    bits = (bits << 4) | (code < letterA ? code - digit0 : code - letterA + 10);
    count += 4;
    while (count >= 5) {
      count -= 5;
      codes.push(alphabet.charCodeAt(bits >> count));
      bits &= (1 << count) - 1;
    }
  }
  // In one go: a text made piece by piece is put together later, by whoever reads it, at twice the cost.
  return `${prefix}_${String.fromCharCode(...codes)}`;
}

/** The UUID inside an id; null when the text is no id or, with `prefix`, one of another kind. */
export function uuidOfId(id: string, prefix?: IdPrefix): string | null {
  if (!idPattern.test(id) || (prefix !== undefined && !id.startsWith(prefix))) return null;
  let bits = 0;
  let count = -2;
  let written = 0;
  for (let index = prefixLength; index < id.length; index++) {
    bits = (bits << 5) | (values[id.charCodeAt(index)] ?? 0);
    count += 5;
    while (count >= 4) {
      count -= 4;
      if (written === 8 || written === 13 || written === 18 || written === 23) room[written++] = dash;
      room[written++] = hexDigits.charCodeAt(bits >> count);
      bits &= (1 << count) - 1;
    }
  }
  return room.toString('latin1', 0, written);
}

/** The kind of thing an id names; null when it is no id of ours. */
export function prefixOfId(id: string): IdPrefix | null {
  const prefix = idPattern.exec(id)?.[1];
  return prefix !== undefined && Object.hasOwn(idPrefixes, prefix) ? (prefix as IdPrefix) : null;
}
