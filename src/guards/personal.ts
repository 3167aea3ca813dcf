import { isObject } from '../kernel/object.ts';
import { numberKinds } from './detectors.ts';
import { personalKinds, type Found, type PersonalKind } from './kinds.ts';
import { withoutInvisible } from './strip.ts';

/** Where the variables of a template hold a personal detail; `*` stands for every item of a list. */
export interface PersonalField {
  readonly path: readonly string[];
  readonly kind: PersonalKind;
}

/** The keyword of a variables schema that says of a string, or of a list of strings, which kind of personal detail it is. */
export const personalKeyword = 'x-personal';

/** Whether a value of the keyword names a kind. */
export function isPersonalKind(value: unknown): value is PersonalKind {
  return typeof value === 'string' && Object.hasOwn(personalKinds, value);
}

/** The fields of a variables schema that hold personal details: those it says so of, and every one whose format is `email`. */
export function personalFields(schema: Readonly<Record<string, unknown>>, path: readonly string[] = []): PersonalField[] {
  const kind = schema[personalKeyword] ?? (schema['format'] === 'email' ? 'email' : null);
  const isList = isObject(schema['items']);
  const own: PersonalField[] = isPersonalKind(kind) ? [{ path: isList ? [...path, '*'] : path, kind }] : [];
  const items = isObject(schema['items']) ? personalFields(schema['items'], [...path, '*']) : [];
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  return [
    ...own,
    ...items,
    ...properties.flatMap(([name, property]) => (isObject(property) ? personalFields(property, [...path, name]) : [])),
  ];
}

/** What variables hold in a field; texts only. */
export function textsAt(value: unknown, path: readonly string[]): string[] {
  const [step, ...rest] = path;
  if (step === undefined) return typeof value === 'string' ? [value] : [];
  if (step === '*') return Array.isArray(value) ? value.flatMap((item) => textsAt(item, rest)) : [];
  return isObject(value) && Object.hasOwn(value, step) ? textsAt(value[step], rest) : [];
}

/** A detail that the caller gave, and how it may be spelled in a prompt. */
interface Spelling {
  readonly kind: PersonalKind;
  readonly value: string;
  readonly pattern: RegExp;
  /** Whether what the pattern found at a place is the detail, and not a part of a longer word or number. */
  readonly stands: (text: string, start: number, end: number) => boolean;
  /** In lower case, one of these is in every text that the pattern fits. */
  readonly hint: string;
}

/** A prompt is searched for no more than so many spellings; a form that holds more people is no letter. */
const mostSpellings = 400;
/** Words that stand before or inside a name and are nobody's. */
const noNames = new Set(
  (
    'mr mrs ms miss mx dr prof professor sir madam dame lord lady herr herrn frau fräulein monsieur madame mademoiselle señor señora sr sra don ' +
    'doña signor signora signore pan pani von van der den del della des dos das the and und für ing dipl mag med phd msc bsc jr'
  ).split(' '),
);

/** Every spelling of the details in the known fields, the longest first. */
export function spellingsOf(fields: readonly PersonalField[], variables: unknown): Spelling[] {
  const given = fields.flatMap(({ path, kind }) =>
    textsAt(variables, path).map((text) => ({
      kind,
      value: withoutInvisible(text)
        .replaceAll(/[^\S\n]+/g, ' ')
        .trim(),
    })),
  );
  const whole = given.filter(({ value }) => Array.from(value).length >= 2);
  const parts = whole.filter(({ kind }) => kind === 'name').flatMap(({ value }) => partsOf(value));
  const seen = new Set<string>();
  return [
    ...whole.map(({ kind, value }) => ({ kind, value, isPart: false })),
    ...parts.map((value) => ({ kind: 'name' as const, value, isPart: true })),
  ]
    .filter(({ kind, value }) => !seen.has(`${kind} ${value}`) && seen.add(`${kind} ${value}`))
    .slice(0, mostSpellings)
    .map(({ kind, value, isPart }) => ({
      kind,
      value,
      pattern: patternOf(kind, value, isPart),
      stands: standingOf(kind, value),
      hint: hintOf(value),
    }));
}

/** Where the spellings stand in a text. */
export function findSpellings(text: string, spellings: readonly Spelling[]): Found[] {
  const lower = text.toLowerCase();
  return spellings
    .filter(({ hint }) => lower.includes(hint))
    .flatMap(({ kind, value, pattern, stands }) =>
      matchesOf(text, pattern, stands).map(([start, end]) => ({ kind, value, start, end })),
    );
}

/** Where a pattern fits and stands; one that does not stand may hide another that begins inside of it. */
function matchesOf(text: string, pattern: RegExp, stands: Spelling['stands']): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const end = match.index + match[0].length;
    if (stands(text, match.index, end)) found.push([match.index, end]);
    else pattern.lastIndex = match.index + 1;
  }
  return found;
}

/** The words of a name that a text may use alone: `Ingrid`, `Solheim`. */
function partsOf(name: string): string[] {
  const words = name.split(/[\s,]+/u);
  if (words.length < 2) return [];
  return words.filter((word) => {
    const bare = word.replaceAll(/[^\p{L}\p{M}'’-]/gu, '');
    const isShort = Array.from(bare).length < (/\p{Lo}/u.test(bare) ? 2 : 3);
    return bare === word && !isShort && /^[\p{Lu}\p{Lo}]/u.test(word) && !noNames.has(word.toLowerCase());
  });
}

/** Space as a prompt may write it: lines broken, quoted with `> `, or escaped in JSON. */
const space = String.raw`(?:\s|\\[nrt]|>){1,8}`;
const betweenDigits = String.raw`[\s().\-/]{0,3}`;

/**
 * The spellings of a value: any case and any white space; numbers with any separators. A part of a name counts as it is given or in capitals:
 * `Will` is a name, `will` is none. What stands around is not the pattern's to see: classes of Unicode take milliseconds to compile, for
 * every name of every letter.
 */
function patternOf(kind: PersonalKind, value: string, isPart: boolean): RegExp {
  if (isNumber(kind, value)) return new RegExp((value.match(numberUnit) ?? []).map(escaped).join(betweenDigits), 'giu');
  const forms = [value.normalize('NFC'), value.normalize('NFD'), ...(isPart ? [value.toUpperCase()] : [])];
  const spelled = [...new Set(forms)].map((form) => form.split(/\s+/u).map(escaped).join(space));
  return new RegExp(spelled.join('|'), isPart ? 'gu' : 'giu');
}

const numberUnit = /[\p{L}\p{N}+]/gu;
const letterOrNumber = /^[\p{L}\p{N}]/u;
const spacedLetter = /^[\p{Lu}\p{Ll}\p{N}]/u;
const spacedEnd = /[\p{Lu}\p{Ll}\p{N}\p{M}]$/u;

function isNumber(kind: PersonalKind, value: string): boolean {
  return numberKinds.has(kind) && /\d{2}/.test(value);
}

/**
 * Neither a word nor a number goes on before or behind it; scripts that set no space between words have no ends of words. A name may have the `s` of a
 * genitive behind it.
 */
function standingOf(kind: PersonalKind, value: string): Spelling['stands'] {
  if (isNumber(kind, value))
    return (text, start, end) =>
      !letterOrNumber.test(characterBefore(text, start)) && !letterOrNumber.test(characterAt(text, end));
  const hasStart = spacedLetter.test(value);
  const hasEnd = spacedEnd.test(value);
  const isName = kind === 'name';
  return (text, start, end) => {
    if (hasStart && spacedLetter.test(characterBefore(text, start))) return false;
    if (!hasEnd || !spacedLetter.test(characterAt(text, end))) return true;
    return isName && /^s$/i.test(text[end] ?? '') && !spacedLetter.test(characterAt(text, end + 1));
  };
}

function characterAt(text: string, index: number): string {
  return index < text.length ? String.fromCodePoint(text.codePointAt(index) ?? 0) : '';
}

function characterBefore(text: string, index: number): string {
  if (index === 0) return '';
  const isPair = index > 1 && /[\udc00-\udfff]/.test(text[index - 1] ?? '');
  return text.slice(index - (isPair ? 2 : 1), index);
}

/** JSON writes a backslash before quotes and backslashes. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`).replaceAll('"', String.raw`\\?"`);
}

/** Something cheap to look for first: the longest run of plain letters or digits that no spelling changes. */
function hintOf(value: string): string {
  const runs = value.normalize('NFC').match(/[A-Za-z]+|\d/g) ?? [];
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '').toLowerCase();
}
