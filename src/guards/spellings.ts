import { numberKinds } from './detectors.ts';
import { declined } from './endings.ts';
import { dividedNames } from './divided-names.ts';
import { fold } from './fold.ts';
import { handlesOf, type KnownHandle } from './known-handles.ts';
import type { PersonalKind } from './kinds.ts';
import { partsOf, wordsOf, type NamePart } from './name-words.ts';
import { nearIn, type Near } from './near-names.ts';
import { Needles, type Needle } from './needles.ts';
import { otherForms } from './other-forms.ts';
import { formsOf, guessedForms } from './other-letters.ts';
import { textsAt, type PersonalField } from './personal.ts';
import { plainForm, readGiven } from './readings.ts';
import { shortNamesOf, withoutTitle, type ShortName } from './short-names.ts';
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
export interface Part {
  /** It is the given one as it is and in capitals; in other cases it comes back as it stands. */
  readonly written: readonly string[];
  /** The sorts of endings it may have. */
  readonly endings: number;
  /** Whether it must have one. */
  readonly isStem: boolean;
  /** Whether it counts without a capital where it is written so: all that the caller gave, and `deVries`. */
  readonly isWhole: boolean;
  /** What belongs to it beside it; a short one counts only there. */
  readonly near?: Near | undefined;
  readonly isShort: boolean;
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
      value: plainSpaces(text),
    })),
  );
  const whole = firstBy(
    given.filter(({ value }) => isLong(value)),
    ({ kind, value }) => `${kind} ${value}`,
  );
  const isNumeric = Map.groupBy(whole, ({ kind, value }) => isNumber(kind, value));
  const divided = dividedNames(fields, variables).map((orders) => orders.map(plainSpaces));
  const own = whole.filter(({ kind }) => kind === 'name').map(({ value }) => value);
  const bare = own.flatMap((value) => withoutTitle(fold(value).text) ?? []);
  const names = [...own, ...divided.flatMap(([name = '']) => name), ...bare];
  const folded = names.map((name) => fold(name).text);
  return {
    words: new Needles([
      // Before whole names: a part goes with the initials beside it.
      ...partSpellings(names.flatMap(partsOf), nearIn(folded), endings),
      ...once((isNumeric.get(false) ?? []).flatMap(({ kind, value }) => wordSpellings(kind, value))),
      ...once([...divided.flat(), ...bare.filter(isLong)].flatMap((name) => wordSpellings('name', name, false))),
      ...shortSpellings(folded.flatMap((name) => shortNamesOf(name))),
    ]),
    numbers: new Needles(once((isNumeric.get(true) ?? []).map(({ kind, value }) => numberSpelling(kind, value)))),
    handles: new Needles(handlesOf(names.map(wordsOf))),
  };
}

function plainSpaces(text: string): string {
  return withoutInvisible(text)
    .replaceAll(/[^\S\n]+/g, ' ')
    .trim();
}

/** The first of those that have the same key. */
function firstBy<T>(all: readonly T[], keyOf: (each: T) => string): T[] {
  const seen = new Set<string>();
  return all.filter((each) => {
    const key = keyOf(each);
    return !seen.has(key) && seen.add(key);
  });
}

/** The first of those that are found and left in the same places; a name may go on where others may not. */
function once<T extends { readonly kind: PersonalKind; readonly part?: Part }>(needles: readonly Needle<T>[]): Needle<T>[] {
  return firstBy(needles, ({ form, of }) => `${of.kind === 'name' ? 'name' : 'other'} ${of.part?.written[0] ?? ''} ${form}`);
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
function wordSpellings(kind: PersonalKind, value: string, isOwn = true): Needle<Spelling>[] {
  const { text, lower } = fold(value);
  const form = readGiven(lower);
  const part =
    kind === 'name' && !form.includes(' ')
      ? { written: writtenAs(text), endings: 0, isStem: false, isWhole: true, isShort: false }
      : null;
  return [...formsOf(form), ...otherForms(kind, form).map((other) => ({ form: plainForm(other), isUmlaut: false }))].map(
    ({ form: other, isUmlaut }) => ({
      form: other,
      of: { kind, ...(isOwn ? { given: { value, form, isSame: other === form } } : {}), isUmlaut, ...(part ? { part } : {}) },
    }),
  );
}

/** The parts of names, and what they are cut to before endings. */
function partSpellings(parts: readonly NamePart[], nearBy: ReadonlyMap<string, Near>, inTexts: number): Needle<Spelling>[] {
  const known = new Map<string, Needle<Spelling>>();
  parts.forEach(({ word: value, isOwn, isShort }, index) => {
    const { text, lower } = fold(value);
    const about = { written: writtenAs(text), isWhole: !isOwn && value !== lower, near: nearBy.get(lower), isShort };
    const add = (form: string, isUmlaut: boolean, endings: number, isStem: boolean, isGiven: boolean): void => {
      const key = `${isStem ? `${endings} ` : ''}${isUmlaut} ${form}`;
      if (known.has(key)) return;
      const given = isGiven ? { given: { value, form: lower, isSame: form === lower } } : {};
      known.set(key, { form, of: { kind: 'name', ...given, isUmlaut, part: { ...about, endings, isStem } } });
    };
    for (const { form, isUmlaut } of formsOf(lower)) {
      const { endings, stems } = declined(form, inTexts);
      add(form, isUmlaut, endings, false, isOwn);
      for (const stem of stems) add(stem.form, isUmlaut, stem.endings, true, isOwn);
    }
    if (index < mostGuessed)
      for (const form of guessedForms(lower)) add(form, false, declined(form, inTexts).endings, false, false);
  });
  return [...known.values()];
}

function writtenAs(text: string): string[] {
  return [text, text.toUpperCase()];
}

function shortSpellings(names: readonly ShortName[]): Needle<Spelling>[] {
  const different = firstBy(names, ({ form, beside, isIn }) => `${beside} ${isIn} ${form}`);
  return different.map((short) => ({ form: short.form, of: { kind: 'name', short } }));
}
