const feed = 10;
const carriage = 13;
const mostDigits = 12;
/** A size line with its extensions, and all trailers together, are no longer than this. */
const longestLines = 8_192;

type State = 'size' | 'extension' | 'data' | 'data end' | 'trailer' | 'done';

/** Takes the chunked coding off a body (RFC 9112, 7.1), wherever the network cut it. Extensions and trailers are read over. */
export class ChunkedDecoder {
  /** Chunks that began in what was pushed last. */
  chunks = 0;
  private state: State = 'size';
  private left = 0;
  private digits = 0;
  /** Characters of a line that is read over. */
  private lineLength = 0;
  private overread = 0;

  /** Whether the body has come to its end. */
  get isDone(): boolean {
    return this.state === 'done';
  }

  /**
   * What these bytes hold of the body, in a buffer of its own, null when that is nothing. Throws when they are not chunked, or when something
   * comes after the end.
   */
  push(bytes: Buffer): Buffer | null {
    this.chunks = 0;
    let found: Buffer | null = null;
    let length = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.state !== 'data') {
        this.step(bytes[at++] ?? 0);
        continue;
      }
      const end = Math.min(bytes.length, at + this.left);
      found ??= Buffer.allocUnsafe(bytes.length - at);
      length += bytes.copy(found, length, at, end);
      this.left -= end - at;
      at = end;
      if (this.left === 0) this.state = 'data end';
    }
    return found && found.subarray(0, length);
  }

  private step(byte: number): void {
    switch (this.state) {
      case 'size': {
        const digit = digitOf(byte);
        if (digit >= 0 && ++this.digits <= mostDigits) {
          this.left = this.left * 16 + digit;
          return;
        }
        // Space and tab before an extension are bad manners that are known to happen.
        if (this.digits === 0 || digit >= 0 || !isAfterSize(byte)) throw malformed();
        if (byte === feed) return this.sized();
        this.state = 'extension';
        return this.readOver();
      }
      case 'extension':
        if (byte === feed) return this.sized();
        return this.readOver();
      case 'data end':
        if (byte === carriage) return;
        if (byte !== feed) throw malformed();
        this.state = 'size';
        this.digits = 0;
        this.left = 0;
        this.overread = 0;
        return;
      case 'trailer':
        if (byte !== feed) {
          if (byte !== carriage) this.lineLength++;
          return this.readOver();
        }
        if (this.lineLength === 0) this.state = 'done';
        this.lineLength = 0;
        return;
      default:
        throw malformed();
    }
  }

  private sized(): void {
    this.chunks++;
    this.overread = 0;
    this.state = this.left === 0 ? 'trailer' : 'data';
  }

  private readOver(): void {
    if (++this.overread > longestLines) throw malformed();
  }
}

function isAfterSize(byte: number): boolean {
  return byte === carriage || byte === feed || byte === 0x3b || byte === 0x20 || byte === 0x09;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function malformed(): Error {
  return new Error('the body is not chunked as it says');
}
