import type { PgColumn } from 'drizzle-orm/pg-core';
import type { StoredColumn, StoredForm } from '../kernel/stored-rows.ts';
import { parseText } from './types.ts';

const someUuid = '00000000-0000-0000-0000-000000000000';
const formOf: Readonly<Record<string, StoredForm>> = {
  text: 'text',
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  boolean: 'boolean',
  'timestamp with time zone': 'moment',
};

/** How a table's column is read from its stored text: to the same value as by the driver. */
export function storedColumn(name: string, column: PgColumn): StoredColumn {
  const type = column.getSQLType();
  if (column.columnType === 'PgCustomColumn' && type === 'uuid') {
    const valueOf = (uuid: string) => column.mapFromDriverValue(uuid);
    return { name, form: 'id', prefix: String(valueOf(someUuid)).slice(0, 3), valueOf };
  }
  return { name, form: formOf[type] ?? 'other', prefix: '', valueOf: parseText(type) };
}
