import net from 'node:net';
import { Bind } from './bind.ts';
import { columnsOf, joined, type Column, type RowBytes } from './rows.ts';
import { errorOf, type PostgresError } from './server-error.ts';
import type { CompiledStatement } from './statement.ts';

/** A statement on its way past the driver. */
export interface Asked {
  readonly answer: Promise<RowBytes>;
  /** What its rows are made of, once it is answered. */
  columns(): readonly Column[];
  /** False while not one byte of it was handed to the connection. */
  wasSent(): boolean;
  /** Whether the server works on it, and not on something before it. */
  isRunning(): boolean;
}

/** A statement that the server knows by a name. */
interface Prepared {
  readonly text: string;
  readonly name: string;
  columns: readonly Column[];
}

/** What to do when a read has no answer for so long. */
export interface Silence {
  readonly afterMs: number;
  /** `isRunning`: the server works on it, and not on something before it. */
  onSilence(reject: (reason: Error) => void, isRunning: boolean): void;
}

interface Waiting {
  /** What it runs; none for a command. */
  readonly statements: readonly Prepared[];
  /** Those of them that the server has still to say it knows. */
  readonly parsing: Prepared[];
  /** The one of which it said so last. */
  parsed: Prepared | null;
  /** How many of them run before the one whose rows are wanted. */
  before: number;
  readonly resolve: (rows: RowBytes) => void;
  readonly reject: (reason: Error) => void;
  /** Called once the last of them ran, before its commit, with whether it has rows. */
  onRun: ((hasRows: boolean) => void) | null;
  /** `performance.now()` when it was asked for. */
  readonly since: number;
  error: PostgresError | null;
  readonly parts: RowBytes[];
}

/** Types of messages. */
const [dataRow, readyForQuery, errorResponse] = [0x44, 0x5a, 0x45];
const [parseComplete, rowDescription, commandComplete] = [0x31, 0x54, 0x43];
const [sync, query, flush] = [0x53, 0x51, 0x48];
/** Notices, notifications and settings come at any time, and are the driver's. */
const forTheDriver: ReadonlySet<number> = new Set([0x4e, 0x41, 0x53]);
const headLength = 5;
/** Statements that a connection keeps; those beyond go the driver's way. */
const mostStatements = 200;
/** A statement that no longer fits its tables, or is not there. */
const stale: ReadonlySet<string> = new Set(['0A000', '26000']);

/**
 * A database's socket for two: the driver, which opens the session and speaks for itself, and statements of ours, which take their rows as they come. Both
 * know that what they send is answered in order, and that each of their messages Sync and Query ends with one ReadyForQuery: whose
 * that is decides to whom the messages before it go.
 */
export class WireSocket extends net.Socket {
  /** Whose answers are to come: null is the driver's. */
  private readonly expected: (Waiting | null)[] = [];
  /** What is written with the next turn. */
  private waiting: Waiting[] = [];
  /** Prepared statements by their texts. */
  private readonly statements = new Map<string, Prepared>();
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

  /** Whether a statement of ours may go out, after what went out before. Never on encrypted connections: their session begins above this socket. */
  mayRead(text: string): boolean {
    if (!this.isReady || this.isDescribing || this.destroyed || !this.writable) return false;
    return this.statements.has(text) || this.statements.size < mostStatements;
  }

  /** Whether statements of ours wait for their answers. */
  get isReading(): boolean {
    return this.waiting.length > 0 || this.expected.some((each) => each !== null);
  }

  /** Sends a statement without parameters or answer; what goes wrong with it is told to `reject`. */
  command(text: string, reject: (reason: Error) => void): void {
    this.bind.query(text);
    this.later([], () => undefined, reject);
  }

  /** Sends a read. Everything of one turn of the event loop goes out in one write. */
  ask(text: string, parameters: readonly (string | null)[]): Promise<RowBytes> {
    return this.run([{ text, parameters }]).answer;
  }

  /** Sends statements that are one transaction, of which the last one's rows are wanted. With `onRun` the server tells of its run before it commits. */
  run(compiled: readonly CompiledStatement[], onRun: Waiting['onRun'] = null): Asked {
    const parsing: Prepared[] = [];
    const statements = compiled.map(({ text, parameters }) => {
      const statement = this.statements.get(text) ?? this.prepare(text, parsing);
      this.bind.execute(statement.name, parameters);
      return statement;
    });
    // Else it keeps what it has to say until the end.
    if (onRun) this.bind.flush();
    this.bind.sync();
    const asked = { waiting: null as Waiting | null };
    const answer = new Promise<RowBytes>((resolve, reject) => {
      asked.waiting = this.later(statements, resolve, reject, parsing);
      asked.waiting.onRun = onRun;
    });
    return {
      answer,
      columns: () => statements.at(-1)?.columns ?? [],
      wasSent: () => asked.waiting === null || !this.waiting.includes(asked.waiting),
      isRunning: () => asked.waiting !== null && this.expected[0] === asked.waiting,
    };
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

  private prepare(text: string, parsing: Prepared[]): Prepared {
    const statement: Prepared = { text, name: `read_${++this.prepared}`, columns: [] };
    this.statements.set(text, statement);
    this.bind.parse(statement.name, text);
    parsing.push(statement);
    return statement;
  }

  private later(
    statements: readonly Prepared[],
    resolve: Waiting['resolve'],
    reject: Waiting['reject'],
    parsing: Prepared[] = [],
  ): Waiting {
    const before = Math.max(0, statements.length - 1);
    const since = performance.now();
    const waiting: Waiting = {
      statements,
      parsing,
      parsed: null,
      before,
      resolve,
      reject,
      onRun: null,
      since,
      error: null,
      parts: [],
    };
    this.waiting.push(waiting);
    if (this.waiting.length === 1) setImmediate(() => this.flush());
    this.watch ??= setTimeout(() => this.look(), this.silence.afterMs).unref();
    return waiting;
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
          else if (type === parseComplete) owner.parsed = owner.parsing.shift() ?? null;
          else if (type === rowDescription && owner.parsed) owner.parsed.columns = columnsOf(chunk, at);
          else if (type === commandComplete) passOne(owner);
          else if (type === readyForQuery) this.settle(owner);
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
    const { statements, parsing, error, parts } = owner;
    if (!error) return owner.resolve(joined(parts));
    const isStale = stale.has(error.code);
    // What fails for another reason is known all the same, when it got as far as being prepared.
    for (const statement of isStale ? statements : parsing) {
      if (this.statements.get(statement.text) !== statement) continue;
      this.statements.delete(statement.text);
      this.bind.close(statement.name);
      this.later([], nobody, nobody);
    }
    // Prepared anew it may succeed.
    if (isStale) error.code = '40001';
    owner.reject(error);
  }

  private fail(): void {
    this.isReady = false;
    if (this.watch) clearTimeout(this.watch);
    this.watch = null;
    const lost = Object.assign(new Error('the database connection is gone'), { code: 'CONNECTION_CLOSED' });
    for (const each of [...this.expected.splice(0), ...this.waiting.splice(0)]) each?.reject(each.error ?? lost);
  }
}

/** Forgets the rows of a statement that ran before the one that is waited for; tells of that one. */
function passOne(owner: Waiting): void {
  if (owner.before === 0) return owner.onRun?.(owner.parts.length > 0);
  owner.before--;
  owner.parts.length = 0;
}

function nobody(): void {
  // Nobody waits for it.
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}
