import { customType } from 'drizzle-orm/pg-core';
import { idOfUuid, uuidOfId, type IdPrefix } from '../kernel/id.ts';

/**
 * An id column, `id('gen')`: a uuid in SQL, the text form (`gen_01j...`) in rows and conditions.
 * A text that is no id of this kind is refused with an Error, since services check what callers send with `uuidOfId` first.
 */
export function id(prefix: IdPrefix) {
  return customType<{ data: string; driverData: string }>({
    dataType: () => 'uuid',
    fromDriver: (uuid) => idOfUuid(prefix, uuid),
    toDriver: (text) => uuidOf(text, prefix),
  })();
}

/** The uuid inside an id that is known to be well-formed, for raw SQL; throws on one that is not. */
export function uuidOf(text: string, prefix?: IdPrefix): string {
  const uuid = uuidOfId(text, prefix);
  if (uuid === null) throw new Error(`not an id${prefix === undefined ? '' : ` of kind ${prefix}`}: ${text}`);
  return uuid;
}
