import type { Detector } from './kinds.ts';
import { endOf, isDigit } from './letters.ts';
import { endOfPlace, endOfPostcode } from './places.ts';
import { everyMatch, type Stretch } from './scan.ts';
import { houseNumber, streetBefore, streetBehind, type Street } from './streets.ts';
import { startOfWord, type Text } from './words.ts';

/* Patterns below are for text in lower case. */
/** Before a number and a name, and behind both: the part of a house. */
const partBefore = /(?:^|[\s(:>,"])((?:flat|apt\.?|apartment|unit|suite|floor|studio|no\.?) ?\w{0,4},? )$/;
const partBehind =
  /,? (?:(?:flat|apt\.?|apartment|unit|suite|ste\.?|floor|app\.?|lgh) ?\d{0,4}[a-z]?|#\d{1,5}[a-z]?)(?![a-z\d])/y;
const boxBefore =
  /(?:^|[^a-z\d])((?:p\.? ?o\.? ?box|post office box|postfach|postboks|postbus|apartado(?: de correos)?|bo[iî]te postale|casella postale) ?(?:no\.? ?|nr\.? ?)?)$/;
const boxBehind = /\d{1,5}(?: \d{2,3}){0,2}(?!\d)/y;
const boxWords = new Set('box postfach postboks postbus apartado correos postale no no. nr nr.'.split(' '));
const label =
  /(?:address|adresse|anschrift|direcci[oó]n|indirizzo|(?:live|living|lives|reside|resident) at|wohnhaft|wohne)[^a-z\d\n]{0,4}(?:in (?:der )?)?$/;
/** Before the line of an address, and behind it. */
const lineBefore = /(?:^|\n|\\n)[>\s]*$/;
const lineBehind = /[ \t]*,?[ \t]*(?:\n|\\n|$)/y;
const nextLine = /,?[ \t]*\n[>\s]{0,6}/y;

const reach = 60;

/**
 * Postal addresses as English, German, French, the Nordic and other Western languages write them: a number with the name of a street, the part of the
 * house, the place with its postcode; post office boxes; British postcodes of their own. Looks only around numbers, of which a text has few. What
 * stands in two lines is two stretches: a letter may break its lines elsewhere.
 */
export const addressDetector: Detector = {
  kind: 'address',
  find(scanned) {
    let after = 0;
    return everyMatch(houseNumber, scanned.text).flatMap(({ 0: digits, index: start }) => {
      const number = { start, end: start + digits.length };
      if (start < after) return [];
      const found = addressAt(scanned, number);
      after = found.at(-1)?.end ?? after;
      return found.map(({ start, end }) => ({ kind: 'address', start, end }) as const);
    });
  },
};

function addressAt(whole: Text, number: Stretch): Stretch[] {
  const { text, lower } = whole;
  const street = withPart(lower, streetBehind(whole, number)) ?? box(whole, number) ?? streetBefore(whole, number);
  if (!street) return postcode(text, number);
  const { start } = street;
  const end = Math.max(street.end, endOf(partBehind, lower, street.end));
  const placeEnd = text[end] === ',' || text[end] === ' ' ? endOfPlace(whole, endOf(/,? ?/y, text, end)) : -1;
  if (placeEnd >= 0) return [{ start, end: placeEnd }];
  const line = endOf(nextLine, text, end);
  const lineEnd = line < 0 ? -1 : endOfPlace(whole, line);
  if (lineEnd >= 0)
    return [
      { start, end },
      { start: line, end: lineEnd },
    ];
  const isYear = /^(?:19|20)\d\d$/.test(text.slice(number.start, number.end));
  return !isYear && (street.isCertain || isSaidSo(lower, start, end)) ? [{ start, end }] : [];
}

function withPart(lower: string, street: Street | null): Street | null {
  const part = street ? partBefore.exec(lower.slice(Math.max(0, street.start - reach), street.start))?.[1] : undefined;
  return street && part !== undefined ? { ...street, start: street.start - part.length } : street;
}

/** `P.O. Box 123`, `Postfach 12 34`. */
function box(whole: Text, number: Stretch): Street | null {
  const { lower } = whole;
  const from = Math.max(0, number.start - reach);
  const last = lower[number.start - 1] === ' ' ? number.start - 1 : number.start;
  if (!boxWords.has(lower.slice(startOfWord(whole, last, from), last))) return null;
  const before = lower.slice(from, number.start);
  const name = boxBefore.exec(before)?.[1];
  return name === undefined
    ? null
    : { start: number.start - name.length, end: Math.max(number.end, endOf(boxBehind, lower, number.start)), isCertain: true };
}

/** Whether a line, or a word before it, says that it is an address. */
function isSaidSo(lower: string, start: number, end: number): boolean {
  const before = lower.slice(Math.max(0, start - reach), start);
  return label.test(before) || (lineBefore.test(before) && endOf(lineBehind, lower, end) >= 0);
}

function postcode(text: string, number: Stretch): Stretch[] {
  let start = number.start;
  while (start > 0 && number.start - start < 3 && isCapitalLetter(text.charCodeAt(start - 1))) start--;
  const letters = number.start - start;
  if (letters < 1 || letters > 2 || isDigit(text.charCodeAt(start - 1)) || /[a-z]/.test(text.charAt(start - 1))) return [];
  const end = endOfPostcode(text, start);
  return end < 0 ? [] : [{ start, end }];
}

function isCapitalLetter(unit: number): boolean {
  return unit >= 0x41 && unit <= 0x5a;
}
