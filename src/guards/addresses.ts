import type { Detector } from './kinds.ts';
import { isDigit, type Scanned, type Stretch } from './scan.ts';
import {
  behindNumber,
  britishPostcode,
  endOfName,
  frenchBehindNumber,
  frenchTypes,
  placeBehind,
  placeOfLine,
  wholeName,
} from './streets.ts';

/** A street with its number, and whether that is certain without anything else. */
interface Street extends Stretch {
  readonly isCertain: boolean;
}

/** Before a number and a name, and behind both: the part of a house. */
const partBefore = /(?:^|[\s(:>,"])((?:flat|apt\.?|apartment|unit|suite|floor|studio|no\.?) ?\w{0,4},? )$/i;
const partBehind =
  /,? (?:(?:flat|apt\.?|apartment|unit|suite|ste\.?|floor|app\.?|lgh) ?\d{0,4}[A-Za-z]?|#\d{1,5}[A-Za-z]?)(?![\p{L}\d])/iuy;
/** A house of a name that stands before it, with its letter or the next number. */
const houseBehind = /\d{1,4}(?: ?[A-Za-z](?![\p{L}\d])|[-\u2013/+]\d{1,4}[a-z]?)?(?![\p{L}\d%]|[.,]\d)/uy;
const boxBefore =
  /(?<![\p{L}\d])(?:p\.? ?o\.? ?box|post office box|postfach|postboks|postbus|apartado(?: de correos)?|bo[iî]te postale|casella postale) ?(?:no\.? ?|nr\.? ?)?$/iu;
const boxBehind = /\d{1,5}(?: \d{2,3}){0,2}(?!\d)/y;
const label =
  /(?:address|adresse|anschrift|direcci[oó]n|indirizzo|(?:live|living|lives|reside|resident) at|wohnhaft|wohne)[^\p{L}\d\n]{0,4}(?:in (?:der )?)?$/iu;
/** Words that may go on behind an address in a sentence; other ones in small letters say that it was none (`5 High Street shops`). */
const goesOn =
  /(?! (?!(?:and|or|in|near|is|was|are|from|to|with|since|where|on|at|for|until|as|before|by|but|which|et|ou|est)(?!\p{L}))\p{Ll})/uy;
/** Before the line of an address, and behind it. */
const lineBefore = /(?:^|\n|\\n)[>\s]*$/;
const lineBehind = /[ \t]*,?[ \t]*(?:\n|\\n|$)/y;

const mostDigits = 5;
const reach = 60;

/**
 * Postal addresses as English, German, French, the Nordic and other Western languages write them: a number with the name of a street, the part of the
 * house, the place with its postcode; post office boxes; British postcodes of their own. Looks only around numbers, of which a text has few. What
 * stands in two lines is two stretches: a letter may break its lines elsewhere.
 */
export const addressDetector: Detector = {
  kind: 'address',
  find({ text, lower, numbers }) {
    let after = 0;
    return numbers.flatMap((number) => {
      if (number.start < after || number.end - number.start > mostDigits) return [];
      const found = addressAt({ text, lower }, number);
      after = found.at(-1)?.end ?? after;
      return found.map(({ start, end }) => ({ kind: 'address', start, end }) as const);
    });
  },
};

type Text = Pick<Scanned, 'text' | 'lower'>;

function addressAt(scanned: Text, number: Stretch): Stretch[] {
  const { text } = scanned;
  if (/[\d.,$€£%+-]/.test(text[number.start - 1] ?? ' ')) return [];
  const street = streetBehind(scanned, number) ?? streetBefore(scanned, number);
  if (!street) return postcodeAt(text, number);
  const { start } = street;
  const end = endOf(partBehind, text, street.end) ?? street.end;
  const placeEnd = endOf(placeBehind, text, end);
  if (placeEnd !== null) return [{ start, end: placeEnd }];
  const next = placeInNextLine(text, end);
  if (next) return [{ start, end }, next];
  const isYear = /^(?:19|20)\d\d$/.test(text.slice(number.start, number.end));
  return !isYear && (street.isCertain || isSaidSo(text, start, end)) ? [{ start, end }] : [];
}

/** `Flat 3, 12 High Street`; `12, rue de la Paix`. */
function streetBehind({ text, lower }: Text, number: Stretch): Street | null {
  const name = startOfNameBehind(text, number.end);
  if (name < 0) return null;
  const isCapital = text[name] !== lower[name] || isDigit(text.charCodeAt(name));
  if (!isCapital && !frenchTypes.has(lower.slice(name, endOfWord(text, name)))) return null;
  const certain = endOf(isCapital ? behindNumber.certain : frenchBehindNumber, text, number.start);
  const end = certain ?? (isCapital ? endOf(behindNumber.uncertain, text, number.start) : null);
  if (end === null) return null;
  const part = partBefore.exec(text.slice(Math.max(0, number.start - reach), number.start))?.[1] ?? '';
  const isCertain = certain !== null && (!isCapital || endOf(goesOn, text, end) !== null);
  return { start: number.start - part.length, end, isCertain };
}

/** Where the word begins that is behind a number, with its letter or the next number, and perhaps a comma; -1 when there is none. Hardly any has one. */
function startOfNameBehind(text: string, end: number): number {
  let at = end;
  if (text[at] === '-') {
    at++;
    while (isDigit(text.charCodeAt(at))) at++;
  }
  if (/[A-Za-z]/.test(text[at] ?? '')) at++;
  if (text[at] === ',') at++;
  return text[at] === ' ' ? at + 1 : -1;
}

function endOfWord(text: string, start: number): number {
  let end = start;
  while (end < text.length && end - start < reach && !' ,\n'.includes(text[end] ?? ' ')) end++;
  return end;
}

/** `Hauptstraße 12a`, `Berliner Str. 5`, `Calle Mayor, 12`, `An der Alster 3`, `Postfach 12 34`. */
function streetBefore({ text, lower }: Text, number: Stretch): Street | null {
  if (text[number.start - 1] !== ' ') return null;
  const word = startOfWordBefore(text, number.start - 1);
  if (text[word] === lower[word] && !/^(?:box|n[º°.]o?\.?|postal)/.test(lower.slice(word, number.start))) return null;
  const from = Math.max(0, number.start - reach, text.lastIndexOf('\n', number.start - 1) + 1);
  const before = text.slice(from, number.start);
  const box = boxBefore.exec(before);
  if (box) return { start: from + box.index, end: endOf(boxBehind, text, number.start) ?? number.end, isCertain: true };
  const end = endOf(houseBehind, text, number.start);
  if (end === null) return null;
  const line = before.replace(/,? (?:n[º°.]o?\.? ?)?$/, '');
  const lowerLine = lower.slice(from, from + line.length);
  for (const [ends, wholes, isCertain] of [
    [endOfName.certain, wholeName.certain, true],
    [endOfName.uncertain, wholeName.uncertain, false],
  ] as const) {
    const start = wholes.exec(line)?.index ?? startOfName(line, ends.exec(lowerLine));
    if (start !== null) return { start: from + start, end, isCertain };
  }
  return null;
}

/** Where the word begins that ends before a place: behind white space, quotes and brackets. */
function startOfWordBefore(text: string, end: number): number {
  let at = end;
  while (at > 0 && end - at < reach && !' \n\t("[>:'.includes(text[at - 1] ?? ' ')) at--;
  return at;
}

/** Where the name begins whose last word says a street: with that word, or with the one before where it says nothing else. */
function startOfName(line: string, last: RegExpExecArray | null): number | null {
  if (!last || !/^\p{Lu}/u.test(line.slice(last.index))) return null;
  const own = /^(?:stra(?:ß|ss)e|str\.?|allee|gasse|weg|platz|ring|ufer|damm|markt)$/.test(last[0]);
  if (!own) return last[0].length > 5 || last[0].endsWith('.') ? last.index : null;
  const before = /\p{Lu}[\p{L}\p{M}'-]+ $/u.exec(line.slice(0, last.index));
  return before ? before.index : null;
}

function placeInNextLine(text: string, end: number): Stretch | null {
  const lead = /^,?[ \t]*\n[>\s]{0,6}/.exec(text.slice(end, end + 10))?.[0];
  if (lead === undefined) return null;
  const start = end + lead.length;
  const placeEnd = endOf(placeOfLine, text, start);
  return placeEnd === null ? null : { start, end: placeEnd };
}

/** Whether a line, or a word before it, says that it is an address. */
function isSaidSo(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - reach), start);
  return label.test(before) || (lineBefore.test(before) && endOf(lineBehind, text, end) !== null);
}

function postcodeAt(text: string, number: Stretch): Stretch[] {
  if (!/[A-Z]/.test(text[number.start - 1] ?? '')) return [];
  const before = /(?<![\p{L}\d])[A-Z]{1,2}$/u.exec(text.slice(Math.max(0, number.start - 3), number.start))?.[0];
  if (before === undefined) return [];
  const start = number.start - before.length;
  const end = endOf(britishPostcode, text, start);
  return end === null ? [] : [{ start, end }];
}

/** Where a pattern ends that fits at a place; null where it does not. The pattern has the flag `y`. */
function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}
