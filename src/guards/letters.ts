const letterOrNumber = /^[\p{L}\p{N}]/u;
const spaced = /^[\p{Lu}\p{Ll}\p{N}]/u;

/** Whether a letter or number stands at a place, which may be outside of the text. */
export function isLetterOrNumber(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit < 0x80 ? isPlain(unit) : letterOrNumber.test(characterAt(text, index));
}

/** The same without the letters of scripts that set no space between words. */
export function isSpaced(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit < 0x80 ? isPlain(unit) : spaced.test(characterAt(text, index));
}

/** Whether a mark stands there that belongs to the letter before it. */
export function isMark(text: string, index: number): boolean {
  return text.charCodeAt(index) > 0x7f && /^\p{M}/u.test(characterAt(text, index));
}

/** Whether a UTF-16 code unit is a digit of ASCII; not of one that is not there. */
export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** Whether it is a small letter of ASCII. */
export function isSmall(unit: number): boolean {
  return unit >= 0x61 && unit <= 0x7a;
}

/** A letter or digit of ASCII. */
function isPlain(unit: number): boolean {
  return isSmall(unit | 0x20) || isDigit(unit);
}

/** The character that a UTF-16 code unit is, or is a half of; empty outside of the text. */
function characterAt(text: string, index: number): string {
  const unit = text.charCodeAt(index);
  if (unit >= 0xdc00 && unit <= 0xdfff) return text.slice(Math.max(0, index - 1), index + 1);
  return unit >= 0xd800 && unit <= 0xdbff ? text.slice(index, index + 2) : text.charAt(index);
}

/** Where a pattern ends that fits at a place; -1 where it does not. The pattern has the flag `y`. */
export function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

const plainLetters: Readonly<Record<string, string>> = { ß: 'ss', ø: 'o', ł: 'l', æ: 'ae', œ: 'oe', đ: 'd' };

/** A Latin text in small letters as those write it who have no others than ASCII's. */
export function withoutAccents(text: string): string {
  if (!/[^\0-\u007f]/.test(text)) return text;
  return text
    .replaceAll(/[ßøłæœđ]/g, (letter) => plainLetters[letter] ?? letter)
    .normalize('NFD')
    .replaceAll(/(?<=[a-z])[\u0300-\u036f]+/g, '')
    .normalize('NFC');
}

const doubled: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ø: 'oe', å: 'aa' };

/** The same with two letters for each umlaut. */
export function withDoubleLetters(text: string): string {
  return withoutAccents(text.replaceAll(/[äöüøå]/g, (letter) => doubled[letter] ?? letter));
}
