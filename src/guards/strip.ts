/** Whatever is not seen: format characters (Cf) and what Unicode lets a reader ignore, such as fillers and selectors of variants. */
const unseen = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** Signs that Unicode calls format characters and prints all the same: Arabic number signs and the like. */
const printed = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;
/** Scripts in which a joiner changes how a word is written: it stays between their letters. */
const joining =
  /[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Nkoo}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]/u;
const letterOrMark = /[\p{L}\p{M}]/u;
const pictograph = /\p{Extended_Pictographic}/u;
const pictographEnd = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]/u;
/** The flags that are written in tags: England, Scotland, Wales. */
const tagFlags =
  /\u{1f3f4}(?:\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f})/gu;

/**
 * The text without what nobody sees but a model reads: bidirectional controls, zero-width characters, tags, soft hyphens, selectors without
 * something to select. Joiners stay inside emoji and between letters of scripts that need them; selectors stay behind what they select.
 */
export function withoutInvisible(text: string): string {
  // Most texts have none.
  if (text.search(unseen) < 0) return text;
  const flags = new Set([...text.matchAll(tagFlags)].flatMap(({ 0: flag, index }) => unitsOf(index + 2, index + flag.length)));
  return text.replaceAll(unseen, (unit, index: number) => (flags.has(index) || isNeeded(text, unit, index) ? unit : ''));
}

function isNeeded(text: string, unit: string, index: number): boolean {
  if (printed.test(unit)) return true;
  const before = characterBefore(text, index);
  const after = String.fromCodePoint(text.codePointAt(index + unit.length) ?? 0x20);
  const point = unit.codePointAt(0) ?? 0;
  if (point === 0x200d && pictographEnd.test(before) && pictograph.test(after)) return true;
  if (point === 0x200c || point === 0x200d) {
    return (
      letterOrMark.test(before) && joining.test(before) && (point === 0x200d || (letterOrMark.test(after) && joining.test(after)))
    );
  }
  if (point === 0xfe0e || point === 0xfe0f) return pictograph.test(before) || /[0-9#*]/.test(before);
  if (point >= 0xe0100 && point <= 0xe01ef) return /\p{Ideographic}/u.test(before);
  if (point >= 0x180b && point <= 0x180f) return /\p{scx=Mong}/u.test(before) && letterOrMark.test(before);
  // Old Hangul is written with fillers between its letters.
  if (point === 0x115f || point === 0x1160) return /[\u1100-\u11ff]/.test(before) || /[\u1100-\u11ff]/.test(after);
  return false;
}

function characterBefore(text: string, index: number): string {
  if (index === 0) return ' ';
  const low = text.charCodeAt(index - 1);
  const isPair = low >= 0xdc00 && low <= 0xdfff && index > 1;
  return text.slice(index - (isPair ? 2 : 1), index);
}

function unitsOf(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, offset) => from + offset);
}
