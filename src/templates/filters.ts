/** Filters for drafts and prompts: pure functions of text. In `{{ skills | sentenceList }}` the value comes first. */
export const filters = {
  present,
  rest,
  sentenceList,
  withArticle,
  withoutArticle,
  closed,
  numberWord,
  clause,
  clauses,
  sentence,
  capitalised,
  paragraph,
  quote,
  json,
  without,
} as const;

/** The parts of a list that are there. */
export function present<T>(items: readonly (T | null | undefined)[]): T[] {
  return items.filter((item) => item !== null && item !== undefined && item !== '') as T[];
}

/** All but the first. */
function rest<T>(items: readonly T[]): T[] {
  return items.slice(1);
}

/** `a`, `a and b`, `a, b and c`; long parts are kept apart by more. Nothing for an empty or absent list. */
export function sentenceList(items: readonly string[] | undefined): string {
  const last = items?.at(-1);
  if (!items || last === undefined) return '';
  if (items.length === 1) return last;
  const hasCommas = items.some((item) => item.includes(','));
  const isLong = items.some((item) => item.split(' ').length > 4 || / and /.test(item));
  if (items.length === 2) return `${items[0]}${hasCommas ? ',' : ''} and ${last}`;
  const first = items.slice(0, -1).join(hasCommas ? '; ' : ', ');
  return `${first}${hasCommas ? ';' : isLong ? ',' : ''} and ${last}`;
}

/** `a teacher`, `an engineer`, `an hour`, `a university lecturer`, `an HR manager`, `a UX designer`. */
export function withArticle(noun: string): string {
  return `${soundsLikeVowel(noun) ? 'an' : 'a'} ${noun}`;
}

/** A title with a comma gets the comma that closes it: `Engineer, Payments,` at a company. */
export function closed(title: string): string {
  return title.includes(',') ? `${title},` : title;
}

/** `the Harbour Trust` as it stands in an address or before another noun: `Harbour Trust`. */
export function withoutArticle(name: string): string {
  return name.replace(/^the (?=\S)/i, '');
}

function soundsLikeVowel(noun: string): boolean {
  const word = /^[\p{L}\p{N}]+/u.exec(noun)?.[0] ?? '';
  if (/^\p{N}/u.test(word)) return /^(8|11$|18$)/.test(word);
  // Spelled out letter by letter: "an SQL developer", "a UX designer"; not so the words of a title that is all capitals.
  const isShouted = noun !== word && noun === noun.toUpperCase();
  const isSpelled =
    word.length === 1 || (!isShouted && (/^\p{Lu}{2,3}$/u.test(word) || /^\p{Lu}[^AEIOU\p{Ll}]{2,3}\p{Lu}$/u.test(word)));
  // Degrees: "an MSc", "an MPhil".
  if (/^M(Sc|Phil|Eng|Ed|Res|Arch|Math)/.test(word)) return true;
  if (isSpelled) return /^[AEFHILMNORSX]/i.test(word);
  if (/^(hour|honest|honou?r|heir)/i.test(word)) return true;
  if (/^(uni([^nm]|$)|use|usu|eu|one|ubiq|utili|util)/i.test(word)) return false;
  return /^[aeiouàáâäåæèéêëìíîïòóôöøùúûü]/i.test(word);
}

const numberWords = [
  'no',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
  'twenty',
];

/** Numbers up to twenty as words, as good print has them; digits above. */
export function numberWord(value: number): string {
  return numberWords[value] ?? String(value);
}

/** A statement to put inside a sentence: no final stop, and no capital at its start unless the word keeps one (`AWS`, `I`). */
export function clause(text: string): string {
  const bare = text.trim().replace(/[.!;,]+$/, '');
  return /^\p{Lu}\p{Ll}/u.test(bare) ? bare.charAt(0).toLowerCase() + bare.slice(1) : bare;
}

/** Each of a list as `clause`. */
function clauses(texts: readonly string[]): string[] {
  return texts.map(clause);
}

/** A statement that stands by itself: a capital first, a stop last. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return capitalised(/[.!?]["')]?$/.test(trimmed) ? trimmed : `${trimmed.replace(/[;,:]+$/, '')}.`);
}

/** The same text with a capital first letter. */
function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Joins what was written on several lines into one line, so that sentences can be left out without leaving gaps; nothing when nothing is left. */
export function paragraph(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line === '' ? '' : `${line}\n`;
}

/** Every line begins with `> `: whatever the text holds, it cannot look like the lines around it. */
export function quote(text: string): string {
  return text
    .trim()
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

/** JSON, two spaces deep; line breaks inside of texts are escaped. */
export function json(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** An object without some of its properties. */
export function without(value: Readonly<Record<string, unknown>>, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
