import { StoredDate } from './stored-date.ts';

type Parse = (text: string) => unknown;

/** How a column's text becomes a value: int8 a number, timestamptz a Date, jsonb what it says, numeric a string. */
const scalars: readonly { readonly oid: number; readonly arrayOid: number; readonly parse: Parse }[] = [
  { oid: 16, arrayOid: 1000, parse: (text) => text === 't' },
  { oid: 17, arrayOid: 1001, parse: (text) => Buffer.from(text.slice(2), 'hex') },
  { oid: 20, arrayOid: 1016, parse: parseInt8 },
  { oid: 21, arrayOid: 1005, parse: Number },
  { oid: 23, arrayOid: 1007, parse: Number },
  { oid: 25, arrayOid: 1009, parse: String },
  { oid: 26, arrayOid: 1028, parse: Number },
  { oid: 114, arrayOid: 199, parse: JSON.parse },
  { oid: 700, arrayOid: 1021, parse: Number },
  { oid: 701, arrayOid: 1022, parse: Number },
  { oid: 1043, arrayOid: 1015, parse: String },
  { oid: 1082, arrayOid: 1182, parse: String },
  { oid: 1114, arrayOid: 1115, parse: (text) => new Date(`${text}Z`) },
  { oid: 1184, arrayOid: 1185, parse: (text) => new StoredDate(text) },
  { oid: 1700, arrayOid: 1231, parse: String },
  { oid: 2950, arrayOid: 2951, parse: String },
  { oid: 3802, arrayOid: 3807, parse: (text) => JSON.parse(text) },
];

/** The driver's parsers by type oid. Arrays are ours too: the driver would ask the server for them on every connect, and fall over if that fails. */
export function typeParsers(): Record<number, Parse> {
  const parsers: Record<number, Parse> = {};
  for (const { oid, arrayOid, parse } of scalars) {
    parsers[oid] = (text) => parse(text);
    parsers[arrayOid] = (text) => parseArray(text, parse);
  }
  return parsers;
}

/** How columns of these types are called in SQL. */
const oids: Readonly<Record<string, number>> = {
  boolean: 16,
  bigint: 20,
  smallint: 21,
  integer: 23,
  text: 25,
  real: 700,
  'double precision': 701,
  date: 1082,
  'timestamp with time zone': 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
};

/** The parser of one type by its name in SQL, `text[]` for arrays of it; throws for a type that rows do not hold. */
export function parseText(type: string): Parse {
  const isArray = type.endsWith('[]');
  const oid = oids[isArray ? type.slice(0, -2) : type];
  const found = scalars.find((each) => each.oid === oid);
  if (!found) throw new Error(`no parser for the type ${type}`);
  const { parse } = found;
  return isArray ? (text) => parseArray(text, parse) : parse;
}

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${text} is too large for a number`);
  return value;
}

/** Reads Postgres' array text: `{1,NULL,"a \"b\""}`, nested as deep as it goes. */
function parseArray(text: string, parse: Parse): unknown[] {
  let at = 0;
  return readArray();

  function readArray(): unknown[] {
    const values: unknown[] = [];
    at++;
    while (at < text.length && text[at] !== '}') {
      if (text[at] === ',') at++;
      else if (text[at] === '{') values.push(readArray());
      else if (text[at] === '"') values.push(parse(readQuoted()));
      else values.push(readBare());
    }
    at++;
    return values;
  }

  function readQuoted(): string {
    let value = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      value += text[at];
    }
    at++;
    return value;
  }

  function readBare(): unknown {
    const start = at;
    while (text[at] !== ',' && text[at] !== '}') at++;
    const value = text.slice(start, at);
    return value === 'NULL' ? null : parse(value);
  }
}
