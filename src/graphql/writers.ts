import {
  GraphQLBoolean,
  GraphQLID,
  GraphQLInt,
  GraphQLString,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLEnumType,
  type GraphQLLeafType,
  type GraphQLOutputType,
} from 'graphql';
import { storedIn, type StoredColumn, type StoredColumns, type StoredRows } from '../kernel/stored-rows.ts';
import type { JsonBytes } from './json-bytes.ts';
import { DateTime, SafeInt } from './scalars.ts';

/** This value is not what its type says, or says it in a way that others know: they find out, and say so. */
class Unwritable extends Error {}

/** Writes a value of some type; gives the shape of the objects in it, as far as there is one, for those who count what an answer holds. */
export type Write = (out: JsonBytes, value: unknown) => unknown;
/** Writes the stored text of a column, which is there. */
type WriteStored = (out: JsonBytes, bytes: Buffer, begin: number, end: number) => void;

/** A field of an object that is a property of it. */
export interface WrittenField {
  /** Its name in the answer. */
  readonly key: string;
  readonly property: string;
  readonly type: GraphQLOutputType;
  /** The fields below it; null for a leaf. */
  readonly below: readonly WrittenField[] | null;
  /** What it is without a look: the name of its object's type. */
  readonly constant: string | null;
}

const [openBrace, closeBrace, openBracket, closeBracket, comma] = [123, 125, 91, 93, 44] as const;
/** The shape of an object without objects. */
const leavesOnly: Readonly<Record<string, unknown>> = Object.freeze({});
const nullBytes = Buffer.from('null');
const trueBytes = Buffer.from('true');
const falseBytes = Buffer.from('false');
const letterT = 116;
/** Numbers of so many characters are whole and exact, whatever they are. */
const exactLength = 15;

/** Writes values of this type. */
function writerOf(type: GraphQLOutputType, below: readonly WrittenField[] | null): Write {
  if (isNonNullType(type)) {
    const write = writerOf(type.ofType, below);
    return (out, value) => {
      if (value === null || value === undefined) throw new Unwritable('null where there is always something');
      return write(out, value);
    };
  }
  const write = isListType(type)
    ? listWriter(type.ofType, below)
    : isLeafType(type)
      ? leafWriter(type)
      : objectWriter(below ?? []);
  return (out, value) => {
    if (value !== null && value !== undefined) return write(out, value);
    out.raw(nullBytes);
    return null;
  };
}

function leafWriter(type: GraphQLLeafType): Write {
  const isText = type === GraphQLString || type === GraphQLID;
  return (out, value) => {
    if (isText && typeof value === 'string') return out.json(JSON.stringify(value));
    if (typeof value === 'function' || value instanceof Promise) throw new Unwritable('something that is still to be asked');
    const serialized: unknown = type.serialize(value);
    if (serialized === null || serialized === undefined) throw new Unwritable('nothing where something was');
    out.json(JSON.stringify(serialized));
  };
}

function listWriter(type: GraphQLOutputType, below: readonly WrittenField[] | null): Write {
  const write = writerOf(type, below);
  const isDeep = hasShape(below);
  return (out, value) => {
    if (!Array.isArray(value)) throw new Unwritable('no list');
    // Nobody looks into things without a shape.
    const shapes = listOf(below ? value.length : 0);
    out.byte(openBracket);
    for (let index = 0; index < value.length; index++) {
      if (index > 0) out.byte(comma);
      const shape = write(out, value[index]);
      if (isDeep) shapes[index] = shape;
    }
    out.byte(closeBracket);
    return below ? shapes : undefined;
  };
}

/** Writes objects whose fields are properties, and lists in them from what is stored, where it is. */
export function objectWriter(fields: readonly WrittenField[]): Write {
  const parts = fields.map((field, index) => ({
    key: field.key,
    property: field.property,
    head: headOf(field, index),
    write: field.constant === null ? writerOf(field.type, field.below) : null,
    stored: field.below && !hasShape(field.below) && isListOfObjects(field.type) ? new StoredWriter(field.below) : null,
  }));
  const isDeep = hasShape(fields);
  return (out, value) => {
    if (typeof value !== 'object' || value === null || value instanceof Promise) throw new Unwritable('no object');
    const shape: Record<string, unknown> | null = isDeep ? {} : null;
    out.byte(openBrace);
    for (const { key, property, head, write, stored } of parts) {
      out.raw(head);
      const rows = stored && storedIn(value, property);
      if (stored && rows && stored.write(out, rows)) {
        if (shape) shape[key] = listOf(rows.length);
      } else if (write) {
        const inner = write(out, (value as Record<string, unknown>)[property]);
        if (shape && inner !== undefined) shape[key] = inner;
      }
    }
    out.byte(closeBrace);
    return shape ?? leavesOnly;
  };
}

/** A list of so many things without a shape. */
function listOf(length: number): unknown[] {
  const list: unknown[] = [];
  list.length = length;
  return list;
}

/** Whether there are objects below these fields. */
function hasShape(fields: readonly WrittenField[] | null): boolean {
  return fields?.some(({ below }) => below !== null) ?? false;
}

/** The fields of stored rows, written from their texts. */
class StoredWriter {
  private readonly known = new WeakMap<StoredColumns, readonly StoredPart[] | null>();
  private places = new Int32Array(16);

  constructor(private readonly fields: readonly WrittenField[]) {}

  /** False, and nothing written, when a field is no column of these. */
  write(out: JsonBytes, rows: StoredRows): boolean {
    const { columns } = rows;
    let parts = this.known.get(columns);
    if (parts === undefined) {
      parts = this.partsOf(columns);
      this.known.set(columns, parts);
    }
    if (parts === null) return false;
    if (this.places.length < columns.length * 2) this.places = new Int32Array(columns.length * 2);
    const { places } = this;
    out.byte(openBracket);
    for (let index = 0; index < rows.length; index++) {
      out.byte(index > 0 ? comma : openBrace);
      if (index > 0) out.byte(openBrace);
      const bytes = rows.place(index, places);
      for (const { head, column, isNullable, write } of parts) {
        out.raw(head);
        if (!write) continue;
        const begin = places[column * 2] ?? -1;
        if (begin >= 0) write(out, bytes, begin, places[column * 2 + 1] ?? begin);
        else if (isNullable) out.raw(nullBytes);
        else throw new Unwritable('null where there is always something');
      }
      out.byte(closeBrace);
    }
    out.byte(closeBracket);
    return true;
  }

  private partsOf(columns: StoredColumns): readonly StoredPart[] | null {
    const parts = this.fields.map((field, index): StoredPart | null => {
      const head = headOf(field, index);
      if (field.constant !== null) return { head, column: 0, isNullable: false, write: null };
      const column = columns.findIndex(({ name }) => name === field.property);
      const found = columns[column];
      const type = isNonNullType(field.type) ? field.type.ofType : field.type;
      if (!found || !isLeafType(type)) return null;
      return { head, column, isNullable: type === field.type, write: storedWriter(type, found) };
    });
    return parts.every((part) => part !== null) ? parts : null;
  }
}

interface StoredPart {
  readonly head: Uint8Array;
  readonly column: number;
  readonly isNullable: boolean;
  /** Null where the head says all. */
  readonly write: WriteStored | null;
}

/** Writes what `type` makes of the column's value; without making the value where the text shows it. Our scalars go by name: a subgraph has copies. */
function storedWriter(type: GraphQLLeafType, column: StoredColumn): WriteStored {
  const slowly = slowWriter(type, column);
  const { form, prefix } = column;
  if (type === GraphQLID && form === 'id')
    return (out, bytes, begin, end) => out.id(prefix, bytes, begin, end) || slowly(out, bytes, begin, end);
  if (type.name === DateTime.name && form === 'moment')
    return (out, bytes, begin, end) => out.moment(bytes, begin, end) || slowly(out, bytes, begin, end);
  if ((type === GraphQLString || type === GraphQLID) && form === 'text')
    return (out, bytes, begin, end) => out.string(bytes, begin, end);
  if ((type === GraphQLInt || type.name === SafeInt.name) && form === 'integer') {
    const most = type === GraphQLInt ? 9 : exactLength;
    return (out, bytes, begin, end) => (end - begin <= most ? out.raw(bytes, begin, end) : slowly(out, bytes, begin, end));
  }
  if (type === GraphQLBoolean && form === 'boolean')
    return (out, bytes, begin) => out.raw(bytes[begin] === letterT ? trueBytes : falseBytes);
  if (isEnumType(type) && form === 'text') return enumWriter(type, slowly);
  return slowly;
}

function slowWriter(type: GraphQLLeafType, { valueOf }: StoredColumn): WriteStored {
  const write = leafWriter(type);
  return (out, bytes, begin, end) => void write(out, valueOf(bytes.toString('utf8', begin, end)));
}

function enumWriter(type: GraphQLEnumType, slowly: WriteStored): WriteStored {
  const words = type.getValues().flatMap(({ name, value }) => (typeof value === 'string' ? [{ name, value }] : []));
  const known = words.map(({ name, value }) => ({ text: Buffer.from(value), json: Buffer.from(JSON.stringify(name)) }));
  return (out, bytes, begin, end) => {
    for (const { text, json } of known) if (isAt(text, bytes, begin, end)) return out.raw(json);
    slowly(out, bytes, begin, end);
  };
}

function isAt(text: Uint8Array, bytes: Uint8Array, begin: number, end: number): boolean {
  if (text.length !== end - begin) return false;
  for (let index = 0; index < text.length; index++) if (text[index] !== bytes[begin + index]) return false;
  return true;
}

function headOf({ key, constant }: WrittenField, index: number): Buffer {
  const name = `${index > 0 ? ',' : ''}${JSON.stringify(key)}:`;
  return Buffer.from(constant === null ? name : name + JSON.stringify(constant));
}

function isListOfObjects(type: GraphQLOutputType): boolean {
  const list = isNonNullType(type) ? type.ofType : type;
  if (!isListType(list)) return false;
  const inner = list.ofType as GraphQLOutputType;
  return isObjectType(isNonNullType(inner) ? inner.ofType : inner);
}
