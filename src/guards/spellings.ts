import { numberKinds } from './detectors.ts';
import { fold, type Folded } from './fold.ts';
import { endOfKnownHandle, handlesOf, isEndOfHandle, type KnownHandle } from './known-handles.ts';
import type { Found, PersonalKind } from './kinds.ts';
import { isLetterOrNumber, withDoubleLetters, withoutAccents } from './letters.ts';
import { Needles, type Needle } from './needles.ts';
import { otherForms } from './other-forms.ts';
import { textsAt, type PersonalField } from './personal.ts';
import { readEscaped, readHandles, readNumbers, readWords, type Reading } from './readings.ts';
import { withoutInvisible } from './strip.ts';

/** A detail in one of its spellings. */
interface Spelling {
  readonly kind: PersonalKind;
  /** What stands for it in the end; the stretch itself when absent. */
  readonly value?: string;
  /** Of a part of a name: what stands for each way to write it that counts. */
  readonly written?: ReadonlyMap<string, string>;
}

/**
 * The details that the caller gave, and how they may be spelled in a prompt. Looked for in plain code, all at once: each letter has people of its own, and
 * a pattern for each name would be compiled for it alone. Linear in their length and in that of the prompt, whatever they are.
 */
export interface Spellings {
  readonly words: Needles<Spelling>;
  readonly numbers: Needles<Spelling>;
  readonly handles: Needles<KnownHandle>;
}

/** So many UTF-16 code units of details one letter may have, folded: what masking it may cost is bounded by that. */
export const mostUnits = 32_768;
/** Longer numbers are texts, and longer parts of names no names: the name itself is looked for as it is. */
const longestNumber = 64;
const longestPart = 64;
/** Words that stand before or inside a name and are nobody's. */
const noNames = new Set(
  (
    'mr mrs ms miss mx dr prof professor sir madam dame lord lady herr herrn frau fräulein monsieur madame mademoiselle señor señora sr sra don ' +
    'doña signor signora signore pan pani von van der den del della des dos das the and und für ing dipl mag med phd msc bsc jr'
  ).split(' '),
);

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

/** Every spelling of the details in the known fields. */
export function spellingsOf(fields: readonly PersonalField[], variables: unknown): Spellings {
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
      ...partSpellings(names.flatMap(partsOf)),
    ]),
    numbers: new Needles(once((isNumeric.get(true) ?? []).map(({ kind, value }) => numberSpelling(kind, value)))),
    handles: new Needles(handlesOf(names.map(wordsOf))),
  };
}

/** Where the spellings stand in a text, in units of the text itself. */
export function findSpellings(text: Folded, { words, numbers, handles }: Spellings): Found[] {
  const { lower } = text;
  const found: Found[] = [];
  const add = (kind: PersonalKind, start: number, end: number, value: string | undefined): true => {
    found.push({ kind, ...text.back(start, end), ...(value === undefined ? {} : { value }) });
    return true;
  };
  const lookForWords = (reading: Reading): void => {
    const { units, at } = reading;
    const mayEnd = (end: number): boolean => !goesOn(reading, end) || isGenitive(reading, end);
    words.search(units, mayEnd, (spelling, from, to) => {
      if (reading.isSpaced(from) && reading.isSpaced(from - 1)) return false;
      if (spelling.kind !== 'name' && goesOn(reading, to)) return false;
      const [start, end] = [at[from] ?? 0, (at[to - 1] ?? 0) + 1];
      const { kind, value, written } = spelling;
      if (!written) return add(kind, start, end, value);
      const name = written.get(text.text.slice(start, end));
      return name !== undefined && add(kind, start, end, name);
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
function once(needles: readonly Needle<Spelling>[]): Needle<Spelling>[] {
  const seen = new Set<string>();
  return needles.filter(({ form, of }) => {
    const key = `${of.kind === 'name' ? 'name' : 'other'} ${form}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Two characters at least. */
function isLong(value: string): boolean {
  return value.length > 2 || Array.from(value).length === 2;
}

/** The words of a name that are somebody's. */
function wordsOf(name: string): string[] {
  return name.split(/[\s,]+/u).filter((word) => /\p{L}/u.test(word) && !noNames.has(word.toLowerCase().replace(/\.$/, '')));
}

/** The words of a name that a text may use alone: `Ingrid`, `Solheim`. */
function partsOf(name: string): string[] {
  const words = name.split(/[\s,]+/u);
  if (words.length < 2) return [];
  return words.filter((word) => {
    const bare = word.replaceAll(/[^\p{L}\p{M}'’-]/gu, '');
    const isShort = Array.from(bare).length < (/\p{Lo}/u.test(bare) ? 2 : 3);
    return (
      bare === word && !isShort && word.length <= longestPart && /^[\p{Lu}\p{Lo}]/u.test(word) && !noNames.has(word.toLowerCase())
    );
  });
}

function isNumber(kind: PersonalKind, value: string): boolean {
  return numberKinds.has(kind) && value.length <= longestNumber && /\d{2}/.test(fold(value).text);
}

const numberUnit = /[\p{L}\p{N}+]/gu;

/** Numbers with any separators. */
function numberSpelling(kind: PersonalKind, value: string): Needle<Spelling> {
  return { form: (fold(value).lower.match(numberUnit) ?? []).join(''), of: { kind, value } };
}

/** Any case and any white space; as the caller wrote it where nothing else differs. */
function wordSpellings(kind: PersonalKind, value: string): Needle<Spelling>[] {
  return formsOf(value, kind).map((form, index) => ({
    form,
    of: { kind, ...(index === 0 ? { value } : {}) },
  }));
}

/** A part of a name counts as it is given or in capitals: `Will` is a name, `will` is none. */
function partSpellings(parts: readonly string[]): Needle<Spelling>[] {
  const known = new Map<string, Map<string, string>>();
  for (const value of parts) {
    const { text, lower: form } = fold(value);
    const written = known.get(form) ?? new Map<string, string>();
    known.set(form, written);
    for (const each of [text, text.toUpperCase()]) if (!written.has(each)) written.set(each, value);
  }
  return [...known].map(([form, written]) => ({ form, of: { kind: 'name', written } }));
}

/** A value in lower case; and as people spell it who have no `ü`, `ß` or `é` to write. */
function formsOf(value: string, kind: PersonalKind): string[] {
  const { units } = readWords(fold(value).lower);
  const form = Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le').trim();
  return [...new Set([form, withoutAccents(form), withDoubleLetters(form), ...otherForms(kind, form)])];
}

/** Whether the word goes on that a spelling ends with; scripts that set no space between words have no ends of words. */
function goesOn(reading: Reading, end: number): boolean {
  return reading.isSpaced(end) && reading.isEnding(end - 1);
}

/** The `s` that a name may have behind it. */
function isGenitive(reading: Reading, end: number): boolean {
  return reading.units[end] === 0x73 && !reading.isSpaced(end + 1);
}
