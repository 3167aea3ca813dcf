/** The first room for messages; it grows as they need it. */
const roomBytes = 16 * 1_024;
/** More than that is given back when it was needed once. */
const keptBytes = 256 * 1_024;

/** Writes messages of the extended protocol one behind the other, with parameters in Postgres' text format. */
export class Bind {
  private bytes = Buffer.allocUnsafe(roomBytes);
  private at = 0;

  /** A statement without parameters, and no answer but its end. */
  query(text: string): void {
    const end = this.begin('Q', text.length * 3 + 1);
    this.text(text);
    this.end(end);
  }

  /** Prepares a statement under a name, and asks what its rows are made of; the server finds the types of its parameters. */
  parse(name: string, text: string): void {
    const end = this.begin('P', name.length + text.length * 3 + 4);
    this.text(name);
    this.text(text);
    this.int16(0);
    this.end(end);
    this.nameOf('D', name);
  }

  /** Forgets a prepared statement, known to the server or not. */
  close(name: string): void {
    this.nameOf('C', name);
    this.sync();
  }

  /** Runs a prepared statement, in one transaction with what comes before the next `sync`. */
  execute(name: string, parameters: readonly (string | null)[]): void {
    let most = name.length + 32;
    for (const parameter of parameters) most += 4 + (parameter?.length ?? 0) * 3;
    const end = this.begin('B', most);
    // The unnamed portal.
    this.byte(0);
    this.text(name);
    this.int16(0);
    this.int16(parameters.length);
    for (const parameter of parameters) {
      const lengthAt = this.at;
      this.at += 4;
      if (parameter !== null) this.at += this.bytes.write(parameter, this.at, 'utf8');
      this.int32At(lengthAt, parameter === null ? -1 : this.at - lengthAt - 4);
    }
    this.int16(0);
    this.end(end);
    // The portal's name, and no limit of rows.
    const executed = this.begin('E', 5);
    this.byte(0);
    this.int16(0);
    this.int16(0);
    this.end(executed);
  }

  /** Has the server say what it has to say so far. */
  flush(): void {
    this.end(this.begin('H', 0));
  }

  /** Ends a transaction. */
  sync(): void {
    this.end(this.begin('S', 0));
  }

  /** Everything since the last time. */
  take(): Buffer {
    const written = this.bytes.subarray(0, this.at);
    this.at = 0;
    if (this.bytes.length <= keptBytes) return Buffer.from(written);
    this.bytes = Buffer.allocUnsafe(roomBytes);
    return written;
  }

  /** A message about a prepared statement. */
  private nameOf(type: string, name: string): void {
    const end = this.begin(type, name.length + 2);
    this.byte('S'.charCodeAt(0));
    this.text(name);
    this.end(end);
  }

  /** Begins a message of at most so many bytes behind its head; gives where its length belongs. */
  private begin(type: string, mostBytes: number): number {
    const needed = this.at + 5 + mostBytes;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.at);
      this.bytes = grown;
    }
    this.byte(type.charCodeAt(0));
    this.at += 4;
    return this.at - 4;
  }

  private end(lengthAt: number): void {
    this.int32At(lengthAt, this.at - lengthAt);
  }

  private text(text: string): void {
    this.at += this.bytes.write(text, this.at, 'utf8');
    this.byte(0);
  }

  private byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  private int16(value: number): void {
    this.bytes[this.at++] = value >> 8;
    this.bytes[this.at++] = value & 255;
  }

  private int32At(at: number, value: number): void {
    this.bytes[at] = value >> 24;
    this.bytes[at + 1] = (value >> 16) & 255;
    this.bytes[at + 2] = (value >> 8) & 255;
    this.bytes[at + 3] = value & 255;
  }
}
