import net from 'node:net';
import { Bind } from './bind.ts';

/** Rows of a statement: the bytes of their messages, one behind the other with others, and where each begins. */
export interface RowBytes {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
}

/** What the server says of a failed statement, under the names that the driver gives it. */
interface ServerError extends Error {
  code: string;
}

/** What to do when a read has no answer for so long. */
export interface Silence {
  readonly afterMs: number;
  /** `isRunning`: the server works on it, and not on something before it. */
  onSilence(reject: (reason: Error) => void, isRunning: boolean): void;
}

interface Waiting {
  /** The text of the prepared statement; null for a command. */
  readonly text: string | null;
  readonly resolve: (rows: RowBytes) => void;
  readonly reject: (reason: Error) => void;
  /** `performance.now()` when it was asked for. */
  readonly since: number;
  error: ServerError | null;
  readonly parts: RowBytes[];
}

/** Types of messages. */
const [dataRow, readyForQuery, errorResponse] = [0x44, 0x5a, 0x45];
const [sync, query, flush] = [0x53, 0x51, 0x48];
/** Notices, notifications and settings come at any time, and are the driver's. */
const forTheDriver: ReadonlySet<number> = new Set([0x4e, 0x41, 0x53]);
const headLength = 5;
/** Statements that a connection keeps; those beyond go the driver's way. */
const mostStatements = 200;
/** A statement that no longer fits its tables, or is not there. */
const stale: ReadonlySet<string> = new Set(['0A000', '26000']);
const nothing: RowBytes = { bytes: Buffer.alloc(0), starts: [] };

/**
 * A database's socket for two: the driver, which opens the session and speaks for itself, and reads of ours, which take their rows as they come. Both
 * know that what they send is answered in order, and that each of their messages Sync and Query ends with one ReadyForQuery: whose
 * that is decides to whom the messages before it go.
 */
export class WireSocket extends net.Socket {
  /** Whose answers are to come: null is the driver's. */
  private readonly expected: (Waiting | null)[] = [];
  /** What is written with the next turn. */
  private waiting: Waiting[] = [];
  /** The names of prepared statements by their texts. */
  private readonly statements = new Map<string, string>();
  private prepared = 0;
  private readonly bind = new Bind();
  private isReady = false;
  /** Null until the server has said something. */
  private isForeign: boolean | null = null;
  /** The driver waits for a description, whose end is no ReadyForQuery. */
  private isDescribing = false;
  /** The beginning of a message whose end is still to come. */
  private held: Buffer[] = [];
  private heldLength = 0;
  /** Bytes of a message of the driver that are still to come. */
  private passing = 0;
  /** What waits should have gone out already. */
  private isLate = false;
  private watch: NodeJS.Timeout | null = null;

  constructor(private readonly silence: Silence) {
    super();
  }

  /** Whether a read of ours may go out, after what went out before. Never on encrypted connections: their session begins above this socket. */
  mayRead(text: string): boolean {
    if (!this.isReady || this.isDescribing || this.destroyed || !this.writable) return false;
    return this.statements.has(text) || this.statements.size < mostStatements;
  }

  /** Whether reads of ours wait for their answers. */
  get isReading(): boolean {
    return this.waiting.length > 0 || this.expected.some((each) => each !== null);
  }

  /** Sends a statement without parameters or answer; what goes wrong with it is told to `reject`. */
  command(text: string, reject: (reason: Error) => void): void {
    this.bind.query(text);
    this.later(null, () => undefined, reject);
  }

  /** Sends a read. Everything of one turn of the event loop goes out in one write. */
  ask(text: string, parameters: readonly (string | null)[]): Promise<RowBytes> {
    let name = this.statements.get(text);
    if (name === undefined) {
      name = `read_${++this.prepared}`;
      this.statements.set(text, name);
      this.bind.parse(name, text);
    }
    this.bind.execute(name, parameters);
    return new Promise((resolve, reject) => this.later(text, resolve, reject));
  }

  override connect(...args: unknown[]): this {
    super.connect(...(args as [number]));
    // Node has put its own in the place of ours.
    this.write = WireSocket.prototype.write;
    return this;
  }

  override write(chunk: string | Uint8Array, ...rest: never[]): boolean {
    if (this.isReady && typeof chunk !== 'string') this.noteSent(chunk);
    const isDrained = super.write(chunk, ...rest);
    if (this.waiting.length > 0 && this.isLate && !this.isDescribing) this.flush();
    return isDrained;
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'data') return this.heed(args[0] as Buffer);
    if (event === 'close') this.fail();
    return super.emit(event as 'data', ...(args as [Buffer]));
  }

  private later(text: string | null, resolve: Waiting['resolve'], reject: Waiting['reject']): void {
    this.waiting.push({ text, resolve, reject, since: performance.now(), error: null, parts: [] });
    if (this.waiting.length === 1) setImmediate(() => this.flush());
    this.watch ??= setTimeout(() => this.look(), this.silence.afterMs).unref();
  }

  /** One timer for all: they are answered in order, so the first has waited longest. */
  private look(): void {
    this.watch = null;
    const oldest = this.expected.find((each) => each !== null) ?? this.waiting[0];
    if (!oldest) return;
    const { afterMs, onSilence } = this.silence;
    const leftMs = oldest.since + afterMs - performance.now();
    if (leftMs > 0) this.watch = setTimeout(() => this.look(), leftMs).unref();
    else onSilence(oldest.reject, this.expected[0] === oldest);
  }

  private flush(): void {
    // An answer to the driver's question would be taken for one of ours.
    this.isLate = this.isDescribing;
    if (this.isLate || this.waiting.length === 0) return;
    if (this.destroyed) return this.fail();
    this.expected.push(...this.waiting);
    this.waiting = [];
    super.write(this.bind.take());
  }

  /** What the driver sends, message by message: it hands over whole ones. */
  private noteSent(chunk: Uint8Array): void {
    for (let at = 0; at + headLength <= chunk.length;) {
      const type = chunk[at];
      if (type === sync || type === query) {
        this.expected.push(null);
        this.isDescribing = false;
      } else if (type === flush) this.isDescribing = true;
      at += 1 + lengthAt(chunk, at + 1);
    }
  }

  private heed(chunk: Buffer): boolean {
    // The answer to a request for encryption is one byte and no message: from here on all is the driver's.
    this.isForeign ??= chunk.length === 1;
    if (this.isForeign) return super.emit('data', chunk);
    if (this.held.length > 0) {
      this.held.push(chunk);
      this.heldLength += chunk.length;
      if (this.heldLength < headLength) return true;
      const [first] = this.held;
      const whole = first && first.length >= headLength ? 1 + lengthAt(first, 1) : 0;
      if (this.heldLength < whole) return true;
      chunk = Buffer.concat(this.held, this.heldLength);
      this.held = [];
      this.heldLength = 0;
    }
    let at = Math.min(this.passing, chunk.length);
    this.passing -= at;
    // Where the messages begin that go to the driver together.
    let from = 0;
    let starts: number[] | null = null;
    while (at < chunk.length) {
      const type = chunk[at] ?? 0;
      const end = chunk.length - at < headLength ? Infinity : at + 1 + lengthAt(chunk, at + 1);
      const owner = this.isReady ? (this.expected[0] ?? null) : null;
      const isOurs = owner !== null && !forTheDriver.has(type);
      if (end > chunk.length && (isOurs || end === Infinity || type === readyForQuery)) break;
      if (isOurs) {
        if (from < at) super.emit('data', chunk.subarray(from, at));
        if (type === dataRow) {
          if (!starts) owner.parts.push({ bytes: chunk, starts: (starts = []) });
          starts.push(at);
        } else {
          starts = null;
          if (type === errorResponse) owner.error = errorOf(chunk.subarray(at, end));
          if (type === readyForQuery) this.settle(owner);
          // A command failed that what came behind it relies on: none of that is to be believed.
          if (this.destroyed) return true;
        }
        from = at = end;
        continue;
      }
      starts = null;
      if (type === readyForQuery) {
        if (this.isReady) this.expected.shift();
        this.isReady = true;
        super.emit('data', chunk.subarray(from, end));
        from = end;
      } else if (end > chunk.length) this.passing = end - chunk.length;
      at = Math.min(end, chunk.length);
    }
    if (from < at) super.emit('data', chunk.subarray(from, at));
    if (at < chunk.length) {
      this.held = [at === 0 ? chunk : chunk.subarray(at)];
      this.heldLength = chunk.length - at;
    }
    return true;
  }

  private settle(owner: Waiting): void {
    this.expected.shift();
    const { text, error, parts } = owner;
    if (!error) return owner.resolve(parts.length === 1 && parts[0] ? parts[0] : joined(parts));
    const name = text === null ? undefined : this.statements.get(text);
    // It may not have got as far as being prepared.
    if (text !== null && name !== undefined) {
      this.statements.delete(text);
      this.bind.close(name);
      this.later(null, nobody, nobody);
    }
    // Prepared anew it may succeed.
    owner.reject(stale.has(error.code) ? Object.assign(error, { code: '40001' }) : error);
  }

  private fail(): void {
    this.isReady = false;
    if (this.watch) clearTimeout(this.watch);
    this.watch = null;
    const lost = Object.assign(new Error('the database connection is gone'), { code: 'CONNECTION_CLOSED' });
    for (const each of [...this.expected.splice(0), ...this.waiting.splice(0)]) each?.reject(each.error ?? lost);
  }
}

function nobody(): void {
  // Nobody waits for it.
}

/** The messages that rows came in, of which the driver gave the values' bytes. */
export function messagesOf(rows: readonly (readonly (Buffer | null)[])[]): RowBytes {
  const starts: number[] = [];
  let total = 0;
  const pieces = rows.flatMap((row) => {
    starts.push(total);
    const head = Buffer.alloc(headLength + 2);
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

function joined(parts: readonly RowBytes[]): RowBytes {
  if (parts.length === 0) return nothing;
  let shift = 0;
  const starts = parts.flatMap((part) => {
    const shifted = part.starts.map((start) => start + shift);
    shift += part.bytes.length;
    return shifted;
  });
  return { bytes: Buffer.concat(parts.map(({ bytes }) => bytes)), starts };
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

const fieldNames: Readonly<Record<string, string>> = {
  S: 'severity_local',
  V: 'severity',
  C: 'code',
  D: 'detail',
  H: 'hint',
  R: 'routine',
};

/** An error of the server, without what it says of values. */
function errorOf(message: Buffer): ServerError {
  const fields: Record<string, string> = {};
  for (const field of message.toString('utf8', headLength, message.length - 1).split('\0')) {
    if (field !== '') fields[field.charAt(0)] = field.slice(1);
  }
  const named = Object.entries(fieldNames).flatMap(([letter, name]) =>
    fields[letter] === undefined ? [] : [[name, fields[letter]] as const],
  );
  const error = new Error(fields['M'] ?? 'the database refused the statement');
  return Object.assign(error, { name: 'PostgresError', ...Object.fromEntries(named), code: fields['C'] ?? '' });
}
