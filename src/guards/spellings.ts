import { numberKinds } from './detectors.ts';
import { declined, isEnding, longestEnding } from './endings.ts';
import { fold, type Folded } from './fold.ts';
import { endOfKnownHandle, handlesOf, isEndOfHandle, type KnownHandle } from './known-handles.ts';
import type { Found, PersonalKind } from './kinds.ts';
import { isLetterOrNumber } from './letters.ts';
import { partsOf, wordsOf, type NamePart } from './name-words.ts';
import { Needles, type Needle } from './needles.ts';
import { otherForms } from './other-forms.ts';
import { formsOf, guessedForms } from './other-letters.ts';
import { textsAt, type PersonalField } from './personal.ts';
import { plainForm, readEscaped, readGiven, readHandles, readNumbers, readWords, type Reading } from './readings.ts';
import { isShortName, shortNamesOf, type ShortName } from './short-names.ts';
import { withoutInvisible } from './strip.ts';

/** A detail in one of its spellings. */
interface Spelling {
  readonly kind: PersonalKind;
  /** What the caller wrote; the stretch itself comes back when absent, and where more differs than case and white space. */
  readonly given?: Given;
  /** Whether it counts only where an umlaut is: `Mueller` for `Müller`, but `Joel` for no `Jol`. */
  readonly isUmlaut?: boolean;
  readonly part?: Part;
  readonly short?: ShortName;
}

/** A number, which comes back as the caller wrote it. */
interface KnownNumber {
  readonly kind: PersonalKind;
  readonly value: string;
}

interface Given {
  readonly value: string;
  /** In lower case, white space as one space, and with the marks of its letters. */
  readonly form: string;
  /** Whether the spelling is just that. */
  readonly isSame: boolean;
}

/** Of a part of a name, which counts where it has a capital: `Will` is a name, `will` is none. */
interface Part {
  /** It is the given one as it is and in capitals; in other cases it comes back as it stands. */
  readonly written: readonly string[];
  /** The sorts of endings it may have. */
  readonly endings: number;
  /** Whether it must have one. */
  readonly isStem: boolean;
  /** Whether it counts without a capital where it is written so: all that the caller gave, and `deVries`. */
  readonly isWhole: boolean;
}

/**
 * The details that the caller gave, and how they may be spelled in a prompt. Looked for in plain code, all at once: each letter has people of its own, and
 * a pattern for each name would be compiled for it alone. Linear in their length and in that of the prompt, whatever they are.
 */
export interface Spellings {
  readonly words: Needles<Spelling>;
  readonly numbers: Needles<KnownNumber>;
  readonly handles: Needles<KnownHandle>;
}

/** So many UTF-16 code units of details one letter may have, folded: what masking it may cost is bounded by that. */
export const mostUnits = 32_768;
/** Longer numbers are texts. */
const longestNumber = 64;
/** So many parts of names are looked for as nobody wrote them; more make the search slower than what they find is worth. */
const mostGuessed = 100;
/** The field at which the details become more than one letter may have; null where they do not. */
export function tooMuchIn(fields: readonly PersonalField[], variables: unknown): PersonalField | null {
  let units = 0;
  for (const field of fields)
    for (const text of textsAt(variables, field.path)) {
      units += fold(text).text.length;
      if (units > mostUnits) return field;
    }
  return null;
}

/** Every spelling of the details in the known fields, for texts that may have these sorts of endings. */
export function spellingsOf(fields: readonly PersonalField[], variables: unknown, endings: number): Spellings {
  const given = fields.flatMap(({ path, kind }) =>
    textsAt(variables, path).map((text) => ({
      kind,
      value: withoutInvisible(text)
        .replaceAll(/[^\S\n]+/g, ' ')
        .trim(),
    })),
  );
  const whole = unique(given.filter(({ value }) => isLong(value)));
  const isNumeric = Map.groupBy(whole, ({ kind, value }) => isNumber(kind, value));
  const names = whole.filter(({ kind }) => kind === 'name').map(({ value }) => value);
  return {
    words: new Needles([
      ...once((isNumeric.get(false) ?? []).flatMap(({ kind, value }) => wordSpellings(kind, value))),
      ...partSpellings(names.flatMap(partsOf), endings),
      ...shortSpellings(names.flatMap((name) => shortNamesOf(fold(name).text))),
    ]),
    numbers: new Needles(once((isNumeric.get(true) ?? []).map(({ kind, value }) => numberSpelling(kind, value)))),
    handles: new Needles(handlesOf(names.map(wordsOf))),
  };
}

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
      return add(kind, start, end, isGiven && isWritten ? given.value : undefined);
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

function unique<T extends { readonly kind: string; readonly value: string }>(given: readonly T[]): T[] {
  const seen = new Set<string>();
  return given.filter(({ kind, value }) => !seen.has(`${kind} ${value}`) && seen.add(`${kind} ${value}`));
}

/** The first of those that are found and left in the same places; a name may go on where others may not. */
function once<T extends { readonly kind: PersonalKind; readonly part?: Part }>(needles: readonly Needle<T>[]): Needle<T>[] {
  const seen = new Set<string>();
  return needles.filter(({ form, of }) => {
    const key = `${of.kind === 'name' ? 'name' : 'other'} ${of.part?.written[0] ?? ''} ${form}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Two characters at least. */
function isLong(value: string): boolean {
  return value.length > 2 || Array.from(value).length === 2;
}

function isNumber(kind: PersonalKind, value: string): boolean {
  return numberKinds.has(kind) && value.length <= longestNumber && /\d{2}/.test(fold(value).text);
}

const numberUnit = /[\p{L}\p{N}+]/gu;

/** Numbers with any separators. */
function numberSpelling(kind: PersonalKind, value: string): Needle<KnownNumber> {
  return { form: (fold(value).lower.match(numberUnit) ?? []).join(''), of: { kind, value } };
}

/** Any case and any white space; as the caller wrote it where nothing else differs. A name of one word is no other than a part. */
function wordSpellings(kind: PersonalKind, value: string): Needle<Spelling>[] {
  const { text, lower } = fold(value);
  const form = readGiven(lower);
  const part =
    kind === 'name' && !form.includes(' ') ? { written: writtenAs(text), endings: 0, isStem: false, isWhole: true } : null;
  return [...formsOf(form), ...otherForms(kind, form).map((other) => ({ form: plainForm(other), isUmlaut: false }))].map(
    ({ form: other, isUmlaut }) => ({
      form: other,
      of: { kind, given: { value, form, isSame: other === form }, isUmlaut, ...(part ? { part } : {}) },
    }),
  );
}

/** The parts of names, and what they are cut to before endings. */
function partSpellings(parts: readonly NamePart[], inTexts: number): Needle<Spelling>[] {
  const known = new Map<string, Needle<Spelling>>();
  const add = ({ word: value, isOwn }: NamePart, form: string, isUmlaut: boolean): void => {
    const { text, lower } = fold(value);
    const { endings, stems } = declined(form, inTexts);
    for (const each of [{ form, endings, isStem: false }, ...stems.map((stem) => ({ ...stem, isStem: true }))]) {
      const key = `${each.isStem ? `${each.endings} ` : ''}${isUmlaut} ${each.form}`;
      const part = { written: writtenAs(text), endings: each.endings, isStem: each.isStem, isWhole: !isOwn && value !== lower };
      const given = isOwn ? { given: { value, form: lower, isSame: each.form === lower } } : {};
      if (!known.has(key)) known.set(key, { form: each.form, of: { kind: 'name', ...given, isUmlaut, part } });
    }
  };
  for (const part of parts) for (const { form, isUmlaut } of formsOf(fold(part.word).lower)) add(part, form, isUmlaut);
  for (const { word } of parts.slice(0, mostGuessed))
    for (const form of guessedForms(fold(word).lower)) add({ word: form, isOwn: false }, form, false);
  return [...known.values()];
}

function writtenAs(text: string): string[] {
  return [text, text.toUpperCase()];
}

function shortSpellings(names: readonly ShortName[]): Needle<Spelling>[] {
  const known = new Map(names.map((short) => [`${short.beside} ${short.isIn} ${short.form}`, short]));
  return Array.from(known.values(), (short) => ({ form: short.form, of: { kind: 'name', short } }));
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
