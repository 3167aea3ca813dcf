import { typeParsers } from './types.ts';

/** A column of a statement's rows, as the server describes it. */
export interface Column {
  readonly name: string;
  readonly valueOf: (text: string) => unknown;
}

/** Rows of a statement: the bytes of their messages, one behind the other with others, and where each begins. */
export interface RowBytes {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
}

/** Bytes of a message before what it has, and of a number of columns. */
const [headLength, countLength] = [5, 2];
/** The type of the message that a row comes in. */
const dataRow = 0x44;
/** Bytes of a described column behind its name: its table, its place there, its type, its size, its modifier and its format. */
const [descriptionLength, typeAt] = [18, 6];
const parsers = typeParsers();

/** The columns that a RowDescription at this place of the bytes tells of. */
export function columnsOf(bytes: Buffer, start: number): Column[] {
  let at = start + headLength + countLength;
  return Array.from({ length: bytes.readInt16BE(start + headLength) }, () => {
    const end = bytes.indexOf(0, at);
    const name = bytes.toString('utf8', at, end);
    const valueOf = parsers[bytes.readInt32BE(end + 1 + typeAt)] ?? String;
    at = end + 1 + descriptionLength;
    return { name, valueOf };
  });
}

/** Rows as objects by column name. */
export function objectsOf(columns: readonly Column[], rows: RowBytes): Record<string, unknown>[] {
  return rows.starts.map((start) => {
    const row: Record<string, unknown> = {};
    eachValue(columns, rows.bytes, start, ({ name }, value) => (row[name] = value));
    return row;
  });
}

/** Rows as values in the order selected. */
export function arraysOf(columns: readonly Column[], rows: RowBytes): unknown[][] {
  return rows.starts.map((start) => {
    const row: unknown[] = [];
    eachValue(columns, rows.bytes, start, (_, value) => row.push(value));
    return row;
  });
}

function eachValue(
  columns: readonly Column[],
  bytes: Buffer,
  start: number,
  take: (column: Column, value: unknown) => void,
): void {
  let at = start + headLength + countLength;
  for (const column of columns) {
    const length = bytes.readInt32BE(at);
    at += 4;
    take(column, length < 0 ? null : column.valueOf(bytes.toString('utf8', at, at + length)));
    if (length > 0) at += length;
  }
}

/** The messages that rows came in, of which the driver gave the values' bytes. */
export function messagesOf(rows: readonly (readonly (Buffer | null)[])[]): RowBytes {
  const starts: number[] = [];
  let total = 0;
  const pieces = rows.flatMap((row) => {
    starts.push(total);
    const head = Buffer.alloc(headLength + countLength);
    head[0] = dataRow;
    const values = row.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(value?.length ?? -1);
      return value ? [length, value] : [length];
    });
    const length = values.reduce((sum, each) => sum + each.length, head.length);
    head.writeInt32BE(length - 1, 1);
    head.writeInt16BE(row.length, headLength);
    total += length;
    return [head, ...values];
  });
  return { bytes: Buffer.concat(pieces), starts };
}

/** Rows that came in several parts. */
export function joined(parts: readonly RowBytes[]): RowBytes {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  let shift = 0;
  const starts = parts.flatMap((part) => {
    const shifted = part.starts.map((start) => start + shift);
    shift += part.bytes.length;
    return shifted;
  });
  return { bytes: Buffer.concat(parts.map(({ bytes }) => bytes)), starts };
}
