import { isMark, isSpaced } from './letters.ts';
import { hasDouble, plainOf } from './plain-letters.ts';

/**
 * A text as one sort of spelling is looked for in it: without what may stand between, and where what is left of it stands. Good until the next one is made:
 * all are written in one place, since new ones each time keep the collector busy for longer than the search takes.
 */
export interface Reading {
  readonly units: Uint16Array;
  /** Where each unit stands in the text; two of them in one place where one letter is read as two. */
  readonly at: Int32Array;
  /** Whether a unit is the second half of such a letter. */
  isHalf(index: number): boolean;
  /** Whether some letter is read as another. */
  readonly isOther: boolean;
  /** Whether a letter or number of a script that sets spaces is a unit; not of one that is not there. */
  isSpaced(index: number): boolean;
  /** Whether a unit is one of these, or a mark that a word may end with. */
  isEnding(index: number): boolean;
}

const space = 0x20;
const backslash = 0x5c;

/** What is not read as it is. */
interface Skipping {
  /** Units of ASCII. */
  readonly plain: Uint8Array;
  /** Whether all white space beyond ASCII is as well. */
  readonly isSpace: boolean;
  /** So many in a row are nothing, and more are one space. */
  readonly most: number;
  /** Whether letters are read without their marks. */
  readonly isPlain: boolean;
}

const skipping = (units: string, isSpace: boolean, most: number, isPlain = false): Skipping => ({
  plain: Uint8Array.from({ length: 0x80 }, (_, unit) =>
    (isSpace && unit <= space) || units.includes(String.fromCharCode(unit)) ? 1 : 0,
  ),
  isSpace,
  most,
  isPlain,
});

const betweenWords = skipping('>', true, 0, true);
const betweenGiven = skipping('>', true, 0);
/** More than three between two digits part two numbers. */
const betweenDigits = skipping('().-/', true, 3);
const betweenParts = skipping('_.-', false, Infinity);

/** A text in lower case where white space, broken lines and the `>` of quoted ones are one space, and letters have no marks: `é` is `e`, and `ß` is `ss`. */
export function readWords(lower: string): Reading {
  return read(lower, betweenWords);
}

/** The same with the letters as they are, as a text of its own. */
export function readGiven(lower: string): string {
  return textOf(read(lower, betweenGiven));
}

/** What a reading of words reads, as a text of its own. */
export function plainForm(lower: string): string {
  return textOf(readWords(lower));
}

function textOf({ units }: Reading): string {
  return Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le').trim();
}

/** The same of a text that is written in JSON: it has `\n` for a new line, and a backslash before quotes. */
export function readEscaped(lower: string): Reading {
  return read(lower, betweenWords, true);
}

/** The same without what people set between digits. */
export function readNumbers(lower: string): Reading {
  return read(lower, betweenDigits);
}

/** The same without `_`, `.` and `-`. */
export function readHandles(lower: string): Reading {
  return read(lower, betweenParts);
}

/** Whether it stands between the parts of a handle. */
export function isSeparator(unit: number): boolean {
  return betweenParts.plain[unit] === 1;
}

/** Where texts are read to; what is longer has a place of its own. */
const mostKept = 65_536;
const kept = { units: new Uint16Array(mostKept), at: new Int32Array(mostKept) };

function read(lower: string, { plain, isSpace, most, isPlain }: Skipping, isEscaped = false): Reading {
  const { length } = lower;
  const longest = isPlain && 2 * length > mostKept && hasDouble(lower) ? 2 * length : length;
  const { units, at } = longest <= mostKept ? kept : { units: new Uint16Array(longest), at: new Int32Array(longest) };
  let count = 0;
  let skipped = 0;
  let isOther = false;
  for (let index = 0; index < length; index++) {
    let unit = lower.charCodeAt(index);
    if (isEscaped && unit === backslash && isEscape(lower.charCodeAt(index + 1))) {
      unit = lower.charCodeAt(++index);
      // `n`, `r` and `t`.
      if (unit > 0x6d) unit = space;
    }
    if (unit < 0x80 ? plain[unit] === 1 : isSpace && isWideSpace(unit)) {
      if (skipped++ !== most) continue;
      unit = space;
    } else skipped = 0;
    if (isPlain && unit > 0xbf) {
      const letters = plainOf(unit);
      if (letters > 0xffff) {
        units[count] = letters >>> 16;
        at[count++] = index;
      }
      if (letters > 0) {
        unit = letters & 0xffff;
        isOther = true;
      }
    }
    units[count] = unit;
    at[count++] = index;
  }
  return readingOf(lower, units.subarray(0, count), at, isOther);
}

function readingOf(lower: string, units: Uint16Array, at: Int32Array, isOther: boolean): Reading {
  const isSpacedAt = (index: number): boolean =>
    index >= 0 && index < units.length && units[index] !== space && isSpaced(lower, at[index] ?? 0);
  return {
    units,
    at,
    isOther,
    isHalf: (index) => index > 0 && index < units.length && at[index] === at[index - 1],
    isSpaced: isSpacedAt,
    isEnding: (index) => isSpacedAt(index) || isMark(lower, at[index] ?? 0),
  };
}

/** What a backslash of JSON may stand before, without the rare ones. */
function isEscape(unit: number): boolean {
  return unit === 0x22 || unit === 0x2f || unit === backslash || unit === 0x6e || unit === 0x72 || unit === 0x74;
}

/** White space beyond ASCII that NFKC leaves as it is, and that which it does not. */
function isWideSpace(unit: number): boolean {
  return (
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x205f && /\s/.test(String.fromCharCode(unit))) ||
    unit === 0x3000
  );
}
