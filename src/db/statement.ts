/** A nested piece of SQL, or a value that becomes a parameter. */
export type SqlValue = Statement | null | string | number | bigint | boolean | Date | Uint8Array | readonly unknown[] | object;

/** SQL text with `$n` places and its parameters in Postgres' text format; a value that can be sent as often as needed. */
export interface CompiledStatement {
  readonly text: string;
  readonly parameters: readonly (string | null)[];
}

/** What the `sql` tag makes. It does nothing by itself; hand it to a connection, or nest it in another. */
export class Statement {
  constructor(
    readonly strings: TemplateStringsArray,
    readonly values: readonly SqlValue[],
  ) {}

  /** Encodes every parameter now, so that a bad value throws before anything was sent. */
  compile(): CompiledStatement {
    const parameters: (string | null)[] = [];
    const text = this.values.some((value) => value instanceof Statement) ? write(this, parameters) : plainText(this, parameters);
    if (parameters.length > 65_535) throw new Error(`a statement takes 65535 parameters, not ${parameters.length}`);
    return { text, parameters };
  }
}

/** Writes SQL: `sql<Row>` is the connection's business, here `${value}` is a parameter and `${sql`...`}` a nested piece. */
export interface SqlTag {
  (strings: TemplateStringsArray, ...values: SqlValue[]): Statement;
  /** Columns by their names in code, each under that name: `created_at as "createdAt"`. */
  columns(names: readonly string[]): Statement;
  /** JSON text for a json or jsonb parameter. Plain objects become JSON by themselves; arrays and strings need this. */
  json(value: unknown): string;
}

/** By the array they were made of: hot statements name the same one each time. */
const columnLists = new WeakMap<readonly string[], Statement>();

export const sql: SqlTag = Object.assign(
  (strings: TemplateStringsArray, ...values: SqlValue[]): Statement => new Statement(strings, values),
  {
    columns: (names: readonly string[]): Statement => {
      const known = columnLists.get(names);
      if (known) return known;
      const text = names.map((name) => `${snakeCase(name)} as "${name}"`).join(', ');
      const list = new Statement(Object.assign([text], { raw: [text] }), []);
      columnLists.set(names, list);
      return list;
    },
    json: (value: unknown): string => JSON.stringify(value),
  },
);

function snakeCase(name: string): string {
  if (!/^[a-zA-Z]+$/.test(name)) throw new Error(`not a column name: ${name}`);
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Of statements without nested pieces, by their templates: the driver knows a statement by its text. */
const plainTexts = new WeakMap<TemplateStringsArray, string>();

function plainText(statement: Statement, parameters: (string | null)[]): string {
  const known = plainTexts.get(statement.strings);
  if (known === undefined) {
    const text = write(statement, parameters);
    plainTexts.set(statement.strings, text);
    return text;
  }
  for (const value of statement.values) parameters.push(encode(value));
  return known;
}

function write(statement: Statement, parameters: (string | null)[]): string {
  let text = statement.strings[0] ?? '';
  statement.values.forEach((value, index) => {
    if (value instanceof Statement) text += write(value, parameters);
    else text += `$${parameters.push(encode(value))}`;
    text += statement.strings[index + 1] ?? '';
  });
  return text;
}

/**
 * A value in Postgres' text format. All values are encoded before the driver sees them: an encoder that throws
 * while other statements are on the wire would make the driver match answers with the wrong statements.
 */
export function encode(value: unknown): string | null {
  if (value === null) return null;
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
      return String(value);
    case 'boolean':
      return value ? 't' : 'f';
    case 'object':
      if (value instanceof Date) return value.toISOString();
      if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
      return Array.isArray(value) ? encodeArray(value) : JSON.stringify(value);
    case 'undefined':
    case 'function':
    case 'symbol':
    default:
      throw new Error(`cannot send a value of type ${typeof value} to the database`);
  }
}

function encodeArray(values: readonly unknown[]): string {
  return `{${values.map((value) => (Array.isArray(value) ? encodeArray(value) : quoted(encode(value)))).join(',')}}`;
}

function quoted(text: string | null): string {
  if (text === null) return 'null';
  const isPlain = !text.includes('"') && !text.includes('\\');
  return isPlain ? `"${text}"` : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
