/** What the text of a stored value looks like, for those who write it out without making a value of it; `other` is any form. */
export type StoredForm = 'id' | 'text' | 'integer' | 'boolean' | 'moment' | 'other';

/** A column of stored rows. */
export interface StoredColumn {
  readonly name: string;
  readonly form: StoredForm;
  /** The first letters of its ids: `gen`; empty for everything else. */
  readonly prefix: string;
  /** The value that a row has for this text. */
  readonly valueOf: (text: string) => unknown;
}

/** Columns in the order they were read. Writers know them by this object: make it once for a list. */
export type StoredColumns = readonly StoredColumn[];

/** Bytes of a message before its first value: its type, its length and how many values follow. */
const headLength = 7;
/** Bytes that say how long a value is. */
const lengthLength = 4;

/** Rows as the database wrote them. Most of them go out again as they are: what is not asked for is never made a value of. */
export class StoredRows<Row = Record<string, unknown>> {
  constructor(
    readonly columns: StoredColumns,
    private readonly bytes: Buffer,
    /** Where each row's message begins. */
    private readonly starts: readonly number[],
    readonly length = starts.length,
  ) {}

  /** The first of them, at most `count`. */
  first(count: number): StoredRows<Row> {
    return count >= this.length ? this : new StoredRows(this.columns, this.bytes, this.starts, count);
  }

  /** Where a row's values are: `places` gets begin and end of each column's text in the bytes that are returned; null begins at -1. */
  place(index: number, places: Int32Array): Buffer {
    const { bytes } = this;
    let at = (this.starts[index] ?? 0) + headLength;
    for (let column = 0; column < this.columns.length; column++) {
      const length = bytes.readInt32BE(at);
      at += lengthLength;
      places[column * 2] = length < 0 ? -1 : at;
      if (length > 0) at += length;
      places[column * 2 + 1] = at;
    }
    return bytes;
  }

  /** A row as everybody knows it. */
  row(index: number): Row {
    const places = new Int32Array(this.columns.length * 2);
    const bytes = this.place(index, places);
    const row: Record<string, unknown> = {};
    this.columns.forEach(({ name, valueOf }, column) => {
      const [begin = -1, end = -1] = [places[column * 2], places[column * 2 + 1]];
      row[name] = begin < 0 ? null : valueOf(bytes.toString('utf8', begin, end));
    });
    return row as Row;
  }

  /** All rows. */
  rows(): Row[] {
    return Array.from({ length: this.length }, (_, index) => this.row(index));
  }
}

/** Keeps lists of things, some of them as they are stored. */
export interface KeepsStored {
  /** The list that is this property, as it is stored; null where it is not. */
  storedIn(property: string): StoredRows | null;
}

/** The list that is a property of something, as it is stored; null where there is no such form of it. */
export function storedIn(thing: object, property: string): StoredRows | null {
  return 'storedIn' in thing && typeof thing.storedIn === 'function' ? (thing as KeepsStored).storedIn(property) : null;
}
