/** A text as it is looked at, one spelling for all that look alike, and the way back to the text itself. */
export interface Folded {
  /** In NFKC, with plain apostrophes, hyphens and digits, also for Arabic, Persian and Indian ones; numbers that are none (`²`, `½`) stay. */
  readonly text: string;
  /** The same in lower case, unit for unit. */
  readonly lower: string;
  /** Whether it is ASCII, as most of English is. */
  readonly isPlain: boolean;
  /** The characters of the text itself that a stretch of the folded one came from, whole ones always. */
  back(start: number, end: number): { readonly start: number; readonly end: number };
}

/** Characters that became longer or shorter: where they stand folded, and where they stood. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/** Folds a text, in time linear in its length. */
export function fold(text: string): Folded {
  if (!/[^\0-\u007f]/.test(text))
    return { text, lower: text.toLowerCase(), isPlain: true, back: (start, end) => ({ start, end }) };
  const changes: Change[] = [];
  const folded = plainMarks(text.normalize('NFKC') === text ? text : normalized(text, changes));
  return {
    text: folded,
    lower: folded.toLowerCase(),
    isPlain: false,
    back: (start, end) => ({ start: startOf(start, changes), end: endOf(end, changes) }),
  };
}

/** One unit for one unit; the dotted capital is the only letter that becomes two in lower case. */
function plainMarks(text: string): string {
  return text
    .replaceAll(/[\u2018\u2019\u02bc]/g, "'")
    .replaceAll(/[\u2010\u2011]/g, '-')
    .replaceAll(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String.fromCharCode(0x30 + (digit.charCodeAt(0) & 0xf)))
    .replaceAll(/[\u0966-\u096f]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0x936))
    .replaceAll('\u0130', 'I')
    .replaceAll('\u0131', 'i');
}

/** NFKC of one character after the other, each with its marks. */
function normalized(text: string, changes: Change[]): string {
  let folded = '';
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    if (isItself(text.charCodeAt(at))) continue;
    // A mark goes with what is before it.
    const from = at > done && isMark(text, at) ? at - 1 : at;
    const to = endOfCharacter(text, at);
    const before = text.slice(from, to);
    const after = /^\p{No}/u.test(before) ? before : before.normalize('NFKC');
    at = to - 1;
    if (after === before) continue;
    folded += text.slice(done, from);
    if (after.length !== before.length) changes.push({ start: folded.length, end: folded.length + after.length, from, to });
    folded += after;
    done = to;
  }
  return folded + text.slice(done);
}

/** ASCII, and the ideographs that NFKC never changes. */
function isItself(unit: number): boolean {
  return unit < 0x80 || (unit >= 0x3400 && unit <= 0x9fff);
}

/** Marks, and the vowels and ends of Korean syllables that are written in pieces. */
const mark = /^[\p{M}\u1160-\u11ff]/u;

function isMark(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0x300 && !isItself(unit) && mark.test(text.slice(at, at + 2));
}

/** More marks than this on one letter are none that anybody reads. */
const mostMarks = 30;

function endOfCharacter(text: string, at: number): number {
  let end = at + unitsAt(text, at);
  for (let marks = 0; marks < mostMarks && end < text.length && isMark(text, end); marks++) end += unitsAt(text, end);
  return end;
}

function unitsAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function startOf(at: number, changes: readonly Change[]): number {
  const last = lastBefore(changes, at + 1);
  return last ? (at < last.end ? last.from : last.to + at - last.end) : at;
}

function endOf(at: number, changes: readonly Change[]): number {
  const last = lastBefore(changes, at);
  return last ? last.to + Math.max(0, at - last.end) : at;
}

/** The last change that begins before `at`. */
function lastBefore(changes: readonly Change[], at: number): Change | undefined {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes[middle]?.start ?? at) < at) low = middle + 1;
    else high = middle;
  }
  return changes[low - 1];
}
