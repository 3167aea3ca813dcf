import { numberKinds } from './detectors.ts';
import { fold, type Folded } from './fold.ts';
import { handlesOf } from './known-handles.ts';
import type { Found, PersonalKind } from './kinds.ts';
import { isLetterOrNumber, isSpaced, withDoubleLetters, withoutAccents } from './letters.ts';
import { textsAt, type PersonalField } from './personal.ts';
import { withoutInvisible } from './strip.ts';

/**
 * A detail that the caller gave, and how it may be spelled in a prompt. Compared in plain code: each letter has people of its own, and a pattern for
 * each name would be compiled for it alone.
 */
export interface Spelling {
  readonly kind: PersonalKind;
  /** What stands for it in the end; the stretch itself when absent. */
  readonly value?: string;
  /** What every spelling begins with, in lower case. */
  readonly anchor: string;
  /** Where a spelling ends that begins at a place of the folded text; -1 when none does. */
  endOf(text: Folded, start: number): number;
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

/** Every spelling of the details in the known fields. */
export function spellingsOf(fields: readonly PersonalField[], variables: unknown): Spelling[] {
  const given = fields.flatMap(({ path, kind }) =>
    textsAt(variables, path).map((text) => ({
      kind,
      value: withoutInvisible(text)
        .replaceAll(/[^\S\n]+/g, ' ')
        .trim(),
    })),
  );
  const whole = unique(given.filter(({ value }) => Array.from(value).length >= 2)).slice(0, mostSpellings);
  const names = whole.filter(({ kind }) => kind === 'name').map(({ value }) => value);
  const parts = unique(names.flatMap(partsOf).map((value) => ({ kind: 'name' as const, value })));
  return [
    ...whole.flatMap(({ kind, value }) => (isNumber(kind, value) ? numberSpelling(kind, value) : wordSpellings(kind, value))),
    ...parts.flatMap(({ value }) => partSpelling(value)),
    ...names.flatMap((name) => handlesOf(wordsOf(name))),
  ].slice(0, mostSpellings);
}

/** Where the spellings stand in a text, in units of the text itself. */
export function findSpellings(text: Folded, spellings: readonly Spelling[]): Found[] {
  const found: Found[] = [];
  for (const spelling of spellings) {
    const { anchor, kind, value } = spelling;
    for (let start = text.lower.indexOf(anchor); start >= 0;) {
      const end = spelling.endOf(text, start);
      if (end >= 0) found.push({ kind, ...text.back(start, end), ...(value === undefined ? {} : { value }) });
      start = text.lower.indexOf(anchor, end >= 0 ? end : start + 1);
    }
  }
  return found;
}

function unique<T extends { readonly kind: string; readonly value: string }>(given: readonly T[]): T[] {
  const seen = new Set<string>();
  return given.filter(({ kind, value }) => !seen.has(`${kind} ${value}`) && seen.add(`${kind} ${value}`));
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
    return bare === word && !isShort && /^[\p{Lu}\p{Lo}]/u.test(word) && !noNames.has(word.toLowerCase());
  });
}

function isNumber(kind: PersonalKind, value: string): boolean {
  return numberKinds.has(kind) && /\d{2}/.test(fold(value).text);
}

const numberUnit = /[\p{L}\p{N}+]/gu;
const betweenDigits = /[\s().\-/]/;
const mostBetween = 3;

/** Numbers with any separators. Neither a word nor a number goes on before or behind them. */
function numberSpelling(kind: PersonalKind, value: string): Spelling {
  const units = (fold(value).lower.match(numberUnit) ?? []).join('');
  return {
    kind,
    value,
    anchor: units.slice(0, 1),
    endOf({ lower }, start) {
      let at = start;
      for (const unit of units.split('')) {
        if (at > start) at = endOfSeparators(lower, at);
        if (lower[at] !== unit) return -1;
        at++;
      }
      return isLetterOrNumber(lower, start - 1) || isLetterOrNumber(lower, at) ? -1 : at;
    },
  };
}

function endOfSeparators(text: string, start: number): number {
  let at = start;
  while (at - start < mostBetween && betweenDigits.test(text[at] ?? '')) at++;
  return at;
}

/** Any case and any white space; as the caller wrote it where nothing else differs. */
function wordSpellings(kind: PersonalKind, value: string): Spelling[] {
  return formsOf(value).map((form, index) => ({
    kind,
    ...(index === 0 ? { value } : {}),
    anchor: /^(?:["\\]|[^\s"\\]+)/.exec(form)?.[0] ?? form,
    endOf: ({ lower }, start) => standingEnd(kind, form, lower, start, endOfForm(form, lower, start)),
  }));
}

/** A part of a name counts as it is given or in capitals: `Will` is a name, `will` is none. */
function partSpelling(value: string): Spelling[] {
  const { text, lower: form } = fold(value);
  const spelled = new Set([text, text.toUpperCase()]);
  return [
    {
      kind: 'name',
      value,
      anchor: form,
      endOf({ text: whole, lower }, start) {
        const end = start + form.length;
        return spelled.has(whole.slice(start, end)) ? standingEnd('name', form, lower, start, end) : -1;
      },
    },
  ];
}

/** A value in lower case; and as people spell it who have no `ü`, `ß` or `é` to write. */
function formsOf(value: string): string[] {
  const form = fold(value).lower.replaceAll(/\s+/g, ' ');
  return [...new Set([form, withoutAccents(form), withDoubleLetters(form)])];
}

/** Where a form ends in a text: space may be broken lines, quoted with `> ` or escaped in JSON, which also writes a backslash before quotes. */
function endOfForm(form: string, lower: string, start: number): number {
  if (lower.startsWith(form, start)) return start + form.length;
  let at = start;
  for (const unit of form.split('')) {
    if (unit === ' ') {
      const end = endOfSpace(lower, at);
      if (end === at) return -1;
      at = end;
      continue;
    }
    if ((unit === '"' || unit === '\\') && lower[at] === '\\' && lower[at + 1] === unit) at++;
    if (lower[at] !== unit) return -1;
    at++;
  }
  return at;
}

const mostSpace = 8;

function endOfSpace(text: string, start: number): number {
  let at = start;
  for (let count = 0; count < mostSpace; count++) {
    const unit = text[at] ?? '';
    if (unit === '>' || /\s/.test(unit)) at++;
    else if (unit === '\\' && /[nrt]/.test(text[at + 1] ?? '')) at += 2;
    else break;
  }
  return at;
}

const spacedEnd = /[\p{Lu}\p{Ll}\p{N}\p{M}]$/u;

/**
 * No word goes on before or behind it; scripts that set no space between words have no ends of words. A name may have the `s` of a genitive behind it.
 */
function standingEnd(kind: PersonalKind, form: string, lower: string, start: number, end: number): number {
  if (end < 0) return -1;
  if (isSpaced(form, 0) && isSpaced(lower, start - 1)) return -1;
  if (!spacedEnd.test(form) || !isSpaced(lower, end)) return end;
  return kind === 'name' && lower[end] === 's' && !isSpaced(lower, end + 1) ? end : -1;
}
