const digits = '0123456789abcdefghjkmnpqrstvwxyz';
const base32 = Uint8Array.from(digits, (digit) => digit.charCodeAt(0));
/** What a hexadecimal digit is worth. */
const nibbles = new Uint8Array(128);
for (let value = 0; value < 16; value++) nibbles[value.toString(16).charCodeAt(0)] = value;
/** Bytes that JSON does not have in strings. */
const isEscaped = new Uint8Array(256).fill(1, 0, 32);
const [quote, backslash, dash, space, plus, zero, point, letterT, letterZ] = [34, 92, 45, 32, 43, 48, 46, 84, 90] as const;
isEscaped[quote] = isEscaped[backslash] = 1;

const uuidLength = 36;
/** Longer texts are written by the language: it looks at many bytes at once. */
const shortLength = 200;
const firstRoom = 64 * 1_024;
/** A room that a large answer has made is given back. */
const mostRoom = 1_024 * 1_024;

/** Where JSON is written as bytes; one for all, since nobody waits while writing. */
export class JsonBytes {
  private bytes = Buffer.allocUnsafe(firstRoom);
  private at = 0;

  /** Begins anew. */
  clear(): void {
    this.at = 0;
    if (this.bytes.length > mostRoom) this.bytes = Buffer.allocUnsafe(firstRoom);
  }

  /** What was written, a character for each byte: it goes out as latin1. */
  get written(): string {
    return this.bytes.toString('latin1', 0, this.at);
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.at++] = value;
  }

  /** Bytes as they are. */
  raw(source: Uint8Array, begin = 0, end = source.length): void {
    this.room(end - begin);
    const { bytes } = this;
    let { at } = this;
    for (let index = begin; index < end; index++) bytes[at++] = source[index] ?? 0;
    this.at = at;
  }

  /** JSON as it is. */
  json(text: string): void {
    this.room(text.length * 3);
    this.at += this.bytes.write(text, this.at, 'utf8');
  }

  /** A string of UTF-8, quoted. */
  string(source: Buffer, begin: number, end: number): void {
    if (end - begin > shortLength) return this.json(JSON.stringify(source.toString('utf8', begin, end)));
    this.room(end - begin + 2);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = quote;
    for (let index = begin; index < end; index++) {
      const byte = source[index] ?? 0;
      if (isEscaped[byte] === 1) return this.json(JSON.stringify(source.toString('utf8', begin, end)));
      bytes[at++] = byte;
    }
    bytes[at++] = quote;
    this.at = at;
  }

  /** An id from its uuid, as `idOfUuid` makes it, quoted; false when it is no uuid. */
  id(prefix: string, source: Buffer, begin: number, end: number): boolean {
    if (end - begin !== uuidLength) return false;
    this.room(uuidLength);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = quote;
    for (let index = 0; index < 3; index++) bytes[at++] = prefix.charCodeAt(index);
    bytes[at++] = 95;
    let bits = 0;
    // 26 characters of 5 bits begin two bits before the 128.
    let count = 2;
    for (let index = begin; index < end; index++) {
      const byte = source[index] ?? 0;
      if (byte === dash) continue;
      bits = (bits << 4) | (nibbles[byte] ?? 0);
      count += 4;
      while (count >= 5) {
        count -= 5;
        bytes[at++] = base32[bits >> count] ?? 0;
        bits &= (1 << count) - 1;
      }
    }
    bytes[at++] = quote;
    this.at = at;
    return true;
  }

  /** An instant from `2026-11-21 04:22:15.123456+00`, as `StoredDate` writes it, quoted; false for any other form. */
  moment(source: Buffer, begin: number, end: number): boolean {
    const zone = end - 3;
    const fraction = zone - begin - 20;
    const isOurForm =
      (fraction > 0 || fraction === -1) &&
      source[begin] !== zero &&
      source[begin + 4] === dash &&
      source[begin + 10] === space &&
      source[zone] === plus &&
      source[zone + 1] === zero &&
      source[zone + 2] === zero;
    if (!isOurForm) return false;
    this.room(26);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = quote;
    for (let index = begin; index < begin + 19; index++) bytes[at++] = source[index] ?? 0;
    bytes[at - 9] = letterT;
    bytes[at++] = point;
    for (let index = 0; index < 3; index++) bytes[at++] = index < fraction ? (source[begin + 20 + index] ?? 0) : zero;
    bytes[at++] = letterZ;
    bytes[at++] = quote;
    this.at = at;
    return true;
  }

  private room(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.at + count, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}
