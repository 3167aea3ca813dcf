/** Marks above and below letters, and what nobody sees: a text says the same without them, and with them in another order. */
const unheard = /[\p{Mn}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const unheardAlone = /^[\p{Mn}\p{Cf}\p{Default_Ignorable_Code_Point}]+$/u;
/** Signs that models and their servers take for each other, one for one. */
const signs: readonly (readonly [RegExp, string])[] = [
  [/[\u2018-\u201b\u2032\u2039\u203a\u02b9\u02bb-\u02bd\u0060\u00b4]/g, "'"],
  [/[\u201c-\u201f\u2033\u00ab\u00bb\u301d-\u301f]/g, '"'],
  [/[\u2010-\u2015\u2212\ufe58\ufe63]/g, '-'],
];
/** What is compared as it is, but for its normalisation: letters, digits, and marks that stand by themselves. */
const itself = /^[\p{L}\p{N}\p{Mc}]$/u;

/**
 * What is compared of a character: the same for every normalisation of it, for typographic and straight quotes, hyphens and dashes; empty for white space
 * of any kind. Of a text it is what it is of its characters, one behind the other.
 */
export function alike(character: string): string {
  if (character.length === 1 && character < '\u007f' && character !== '`') return character > ' ' ? character : '';
  const plain = character.normalize('NFKD');
  if (plain === character && itself.test(character)) return character;
  const [sign] = signs.flatMap(([pattern, one]) => (character.search(pattern) >= 0 ? one : []));
  return sign ?? plain.replaceAll(unheard, '').replaceAll(/\s/g, '').replaceAll('\u2010', '-');
}

/** Whether a character belongs to the one before it, or is nothing that is seen. */
export function isUnheard(character: string): boolean {
  return unheardAlone.test(character);
}
