import { isEnding, longestEnding } from './endings.ts';
import type { Folded } from './fold.ts';
import { endOfKnownHandle, isEndOfHandle } from './known-handles.ts';
import type { Found, PersonalKind } from './kinds.ts';
import { isLetterOrNumber } from './letters.ts';
import { isNear, withInitials } from './near-names.ts';
import { readEscaped, readHandles, readNumbers, readWords, type Reading } from './readings.ts';
import { isShortName } from './short-names.ts';
import type { Part, Spellings } from './spellings.ts';

/** Where the spellings stand in a text, in units of the text itself. */
export function findSpellings(text: Folded, { words, numbers, handles }: Spellings): Found[] {
  const { lower } = text;
  const found: Found[] = [];
  let hasKana: boolean | null = null;
  const isJapanese = (): boolean => (hasKana ??= /[\u3040-\u30ff]/.test(lower));
  const add = (kind: PersonalKind, start: number, end: number, value: string | undefined): true => {
    found.push({ kind, ...text.back(start, end), ...(value === undefined ? {} : { value }) });
    return true;
  };
  const lookForWords = (reading: Reading): void => {
    const { units, at } = reading;
    let ending: string | null = '';
    const mayEnd = (end: number): boolean => (ending = endingAt(reading, end)) !== null;
    words.search(units, mayEnd, (spelling, from, to) => {
      const { kind, given, part, short } = spelling;
      if (reading.isHalf(from) || (reading.isSpaced(from) && reading.isSpaced(from - 1))) return false;
      if (kind !== 'name' && ending !== '') return false;
      const [start, end] = [at[from] ?? 0, (at[to - 1] ?? 0) + 1];
      if (short && !isShortName(short, { lower, isJapanese }, start, end)) return false;
      if (spelling.isUmlaut === true && !/[äöüøåæœ]/.test(lower.slice(start, end))) return false;
      const stands = text.text.slice(start, end);
      // Before an ending it comes back in the case that the ending has.
      const mayDiffer = ending === '' || stands === given?.value;
      const isGiven =
        given !== undefined && mayDiffer && (reading.isOther ? isExactly(given.form, lower, reading, from, to) : given.isSame);
      if (!part) return isGenitive(ending) && add(kind, start, end, isGiven ? given.value : undefined);
      const isWritten = part.written.includes(stands);
      if (!(isCapital(text, start) || (part.isWhole && isWritten)) || !mayHave(part, ending)) return false;
      const place = { start, end };
      if (part.isShort && !(part.near && isNear(text, part.near, place))) return false;
      const wide = part.near ? withInitials(text, part.near, place, ending === '') : place;
      const isAlone = wide.start === start && wide.end === end;
      return add(kind, wide.start, wide.end, isAlone && isGiven && isWritten ? given.value : undefined);
    });
  };
  if (!words.isEmpty) {
    lookForWords(readWords(lower));
    if (lower.includes('\\')) lookForWords(readEscaped(lower));
  }
  if (!numbers.isEmpty) {
    const { units, at } = readNumbers(lower);
    const mayEnd = (end: number): boolean => !isLetterOrNumber(lower, (at[end - 1] ?? 0) + 1);
    numbers.search(units, mayEnd, ({ kind, value }, from, to) => {
      const start = at[from] ?? 0;
      return !isLetterOrNumber(lower, start - 1) && add(kind, start, (at[to - 1] ?? 0) + 1, value);
    });
  }
  if (!handles.isEmpty) {
    const reading = readHandles(lower);
    const { at } = reading;
    const mayEnd = (end: number): boolean => isEndOfHandle(lower, (at[end - 1] ?? 0) + 1);
    handles.search(reading.units, mayEnd, (handle, from, to) => {
      const end = endOfKnownHandle(handle, lower, reading, from, to);
      return end >= 0 && add(handle.isCaseless ? 'name' : 'handle', at[from] ?? 0, end, undefined);
    });
  }
  return found;
}

/** What stands between the end of a spelling and that of its word: nothing, letters that may be an ending, or null for more than those. */
function endingAt(reading: Reading, end: number): string | null {
  if (reading.isHalf(end)) return null;
  // Scripts that set no space between words have no ends of words.
  if (!reading.isSpaced(end) || !reading.isEnding(end - 1)) return '';
  let at = end + 1;
  while (at - end <= longestEnding && reading.isSpaced(at)) at++;
  return at - end > longestEnding ? null : String.fromCharCode(...reading.units.subarray(end, at));
}

/** Nothing, or the `s` that a name may have behind it. */
function isGenitive(ending: string | null): boolean {
  return ending === '' || ending === 's';
}

function mayHave({ endings, isStem }: Part, ending: string | null): boolean {
  return (!isStem && isGenitive(ending)) || (ending !== null && isEnding(ending, endings));
}

/** Whether a capital stands there, or a letter of a script without. */
function isCapital({ text, lower }: Folded, start: number): boolean {
  return text.charCodeAt(start) !== lower.charCodeAt(start) || /^(?:\P{Ll}|[\u10d0-\u10ff])/u.test(text.charAt(start));
}

/** Whether a stretch of a reading is the given text, but for case and white space. */
function isExactly(form: string, lower: string, reading: Reading, from: number, to: number): boolean {
  const { units, at } = reading;
  let index = 0;
  for (let unit = from; unit < to; unit++) {
    if (unit > from && reading.isHalf(unit)) continue;
    if (form.charCodeAt(index++) !== (units[unit] === 0x20 ? 0x20 : lower.charCodeAt(at[unit] ?? 0))) return false;
  }
  return index === form.length;
}
