/** Filters for drafts and prompts: pure functions of text. In `{{ skills | sentenceList }}` the value comes first. */
export const filters = {
  sentenceList,
  possessive,
  withArticle,
  clause,
  sentence,
  capitalised,
  paragraph,
  quote,
  json,
  without,
} as const;

/** `a`, `a and b`, `a, b and c`; nothing for an empty or absent list. */
export function sentenceList(items: readonly string[] | undefined, conjunction = 'and'): string {
  if (!items || items.length < 2) return items?.[0] ?? '';
  // A part with a comma of its own would blur into its neighbours.
  const comma = items.some((item) => item.includes(',')) ? ';' : ',';
  const first = items.slice(0, -1).join(`${comma} `);
  return `${first}${comma === ';' ? ';' : ''} ${conjunction} ${items.at(-1) ?? ''}`;
}

/** `Maria's`, `James'`. */
export function possessive(name: string): string {
  return /s$/i.test(name) ? `${name}'` : `${name}'s`;
}

/** `a teacher`, `an engineer`, `an hour`, `a university lecturer`, `an HR manager`, `a UX designer`. */
export function withArticle(noun: string): string {
  return `${soundsLikeVowel(noun) ? 'an' : 'a'} ${noun}`;
}

function soundsLikeVowel(noun: string): boolean {
  const word = /^[\p{L}\p{N}]+/u.exec(noun)?.[0] ?? '';
  if (/^\p{N}/u.test(word)) return /^(8|11$|18$)/.test(word);
  // Spelled out letter by letter: "an SQL developer", "a UX designer"; not so the words of a title that is all capitals.
  const isShouted = noun !== word && noun === noun.toUpperCase();
  const isSpelled =
    word.length === 1 || (!isShouted && (/^\p{Lu}{2,3}$/u.test(word) || /^\p{Lu}[^AEIOU\p{Ll}]{2,3}\p{Lu}$/u.test(word)));
  if (isSpelled) return /^[AEFHILMNORSX]/i.test(word);
  if (/^(hour|honest|honou?r|heir)/i.test(word)) return true;
  if (/^(uni([^nm]|$)|use|usu|eu|one|ubiq|utili|util)/i.test(word)) return false;
  return /^[aeiouàáâäåæèéêëìíîïòóôöøùúûü]/i.test(word);
}

/** A statement to put inside a sentence: no final stop, and no capital at its start unless the word keeps one (`AWS`, `I`). */
export function clause(text: string): string {
  const bare = text.trim().replace(/[.!;,]+$/, '');
  return /^\p{Lu}\p{Ll}/u.test(bare) ? bare.charAt(0).toLowerCase() + bare.slice(1) : bare;
}

/** A statement that stands by itself: a capital first, a stop last. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return capitalised(/[.!?]["')]?$/.test(trimmed) ? trimmed : `${trimmed.replace(/[;,:]+$/, '')}.`);
}

/** The same text with a capital first letter. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Joins what was written on several lines into one, so that sentences can be left out without leaving gaps. */
export function paragraph(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
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
