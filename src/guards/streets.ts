import { endOf, isDigit, isLetterOrNumber } from './letters.ts';
import type { Stretch } from './scan.ts';
import { endOfWord, isCapital, isName, startOfWord, type Text } from './words.ts';

/** A street with its number, and whether that is certain without anything else. */
export interface Street extends Stretch {
  readonly isCertain: boolean;
}

const setOf = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/*
 * The words that make an address of a number and a name. Certain ones do so by themselves; sentences are full of the others (`10 Cloud Drive`,
 * `Parkplatz 4`), which need a line of their own, a word for an address, or a place with its postcode as well.
 */
const english = {
  certain: setOf('street st road rd avenue ave boulevard blvd lane ln crescent terrace parkway pkwy mews'),
  uncertain: setOf(
    'drive dr court ct place pl square sq way close gardens grove hill circle row walk quay alley highway green park parade rise heights loop trail ' +
      'plaza broadway',
  ),
};
const frenchTypes =
  'rue avenue av boulevard bd place chemin impasse allée allées quai cours route square passage ruelle faubourg';
const compass = setOf('n s e w ne nw se sw north south east west');
const french = setOf(frenchTypes);
const ends = {
  certain: 'straße strasse str. str allee gasse chaussee straat gracht gata gaten gatan veien vegen vägen katu'.split(' '),
  uncertain:
    'weg platz ring ufer damm markt hof graben steig pfad wall berg park tor laan kade plein dijk singel gade gate vei vej tie'.split(
      ' ',
    ),
};
const beginnings = {
  certain: setOf('calle c/ avenida avda avda. carrer paseo rua travessa viale piazza corso vicolo ul. aleja'),
  uncertain: setOf('via plaza camino largo am an auf im in zum zur unter hinter vor beim bei'),
};
/** Small words inside of names. */
const inside = setOf('of the and de del della dei di du des do da dos das la le les las los y e et van von der den dem des und');
/** Words that may go on behind an address in a sentence; others in small letters say that it was none (`5 High Street shops`). */
const goingOn = setOf('and or in near is was are from to with since where on at for until as before by but which et ou est');

const mostWords = 6;
const reach = 60;

const capital = String.raw`[A-Z\u00c0-\u00de\u0100-\uffff]`;
/**
 * Numbers that may belong to an address: behind a word with a capital, a post office's box or the letters of a postcode, or before a word with a
 * capital, `5th` or a French word for a street. By one pattern, since a text has many numbers that are none.
 */
export const houseNumber = new RegExp(
  String.raw`(?<![\d.,$€£%+-])\d{1,5}(?!\d)(?:` +
    String.raw`(?<=${capital}[^\s,:>("[]{0,40},? (?:[Nn][º°.]o?\.? ?)?\d{1,5})|(?<=(?:box|correos|postale|[Nn][or]\.?) ?\d{1,5})|(?<=(?:^|[^A-Za-z\d])[A-Z]{1,2}\d{1,5})|` +
    String.raw`(?=(?:[A-Za-z]|-\d{1,4}[A-Za-z]?)?,? (?:${capital}|\d{1,3}(?:st|nd|rd|th) ))|` +
    String.raw`(?=[A-Za-z]?(?: (?:bis|ter|quater))?,? (?:${frenchTypes.split(' ').join('|')})[ .]))`,
  'g',
);

/** A street whose name is behind the number: `12 High Street`, `1600 5th Avenue NW`, `12 bis, rue de la Paix`. Hardly any number has one. */
export function streetBehind(whole: Text, number: Stretch): Street | null {
  const first = startOfNameBehind(whole, number.end);
  if (first < 0) return null;
  const end = endOfWord(whole, first);
  return isName(whole, first, end) ? englishStreet(whole, number.start, first) : frenchStreet(whole, number.start, first);
}

/** Where the word begins that is behind a number, with its letter or the next number, and perhaps a comma; -1 when there is none. */
function startOfNameBehind({ lower }: Text, end: number): number {
  let at = end;
  if (lower[at] === '-') for (at++; isDigit(lower.charCodeAt(at));) at++;
  if (isLetterOrNumber(lower, at)) at++;
  if (lower[at] === ',') at++;
  return lower[at] === ' ' ? at + 1 : -1;
}

function englishStreet(whole: Text, start: number, first: number): Street | null {
  const { lower } = whole;
  let certain = -1;
  let uncertain = -1;
  let at = first;
  for (let count = 0; count < mostWords; count++) {
    const end = endOfWord(whole, at);
    const word = lower.slice(at, end);
    const isNamed = isName(whole, at, end);
    if (!isNamed && (count === 0 || !inside.has(word))) break;
    if (count > 0 && isNamed && english.certain.has(word)) certain = end;
    if (count > 0 && isNamed && english.uncertain.has(word)) uncertain = end;
    at = lower[end] === '.' ? end + 1 : end;
    if (lower[at] !== ' ') break;
    at++;
  }
  if (certain < 0 && uncertain < 0) return null;
  const end = behindCompass(whole, behindStop(lower, certain < 0 ? uncertain : certain));
  return { start, end, isCertain: certain >= 0 && goesOn(whole, end) };
}

/** The stop of an abbreviation is a part of it where it ends no sentence. */
function behindStop(lower: string, end: number): number {
  return lower[end] === '.' && (lower[end + 1] === ',' || (lower[end + 1] === ' ' && isLetterOrNumber(lower, end + 2)))
    ? end + 1
    : end;
}

function behindCompass(whole: Text, end: number): number {
  const last = endOfWord(whole, end + 1);
  return whole.text[end] === ' ' && isCapital(whole, end + 1) && compass.has(whole.lower.slice(end + 1, last)) ? last : end;
}

function goesOn(whole: Text, end: number): boolean {
  const { lower } = whole;
  if (lower[end] !== ' ' || !isLetterOrNumber(lower, end + 1) || isDigit(lower.charCodeAt(end + 1))) return true;
  return isCapital(whole, end + 1) || goingOn.has(lower.slice(end + 1, endOfWord(whole, end + 1)));
}

function frenchStreet(whole: Text, start: number, first: number): Street | null {
  const { lower } = whole;
  let at = first;
  let word = endOfWord(whole, at);
  if (/^(?:bis|ter|quater)$/.test(lower.slice(at, word))) {
    at = lower[word] === ',' ? word + 2 : word + 1;
    word = endOfWord(whole, at);
  }
  if (!french.has(lower.slice(at, word))) return null;
  let last = -1;
  for (let count = 0, from = word + (lower[word] === '.' ? 2 : 1); count < mostWords && lower[from - 1] === ' '; count++) {
    const end = endOfWord(whole, from);
    const name = /^[dl]'/.test(lower.slice(from, from + 2)) ? from + 2 : from;
    if (isCapital(whole, name)) last = end;
    else if (!inside.has(lower.slice(from, end))) break;
    from = end + 1;
  }
  return last < 0 ? null : { start, end: last, isCertain: true };
}

/** A street whose name is before the number: `Hauptstraße 12a`, `Berliner Str. 5`, `Calle Mayor, 12`, `An der Alster 3`. */
export function streetBefore(whole: Text, number: Stretch): Street | null {
  const { text, lower } = whole;
  if (lower[number.start - 1] !== ' ') return null;
  const least = Math.max(0, number.start - reach);
  let nameEnd = number.start - 1;
  if (/^n[º°.]o?\.?$/.test(lower.slice(startOfWord(whole, nameEnd, least), nameEnd)))
    nameEnd = startOfWord(whole, nameEnd, least) - 1;
  if (lower[nameEnd - 1] === ',') nameEnd--;
  const last = startOfWord(whole, nameEnd, least);
  // Before most numbers there is a word in small letters.
  if (last === nameEnd || !isCapital(whole, last)) return null;
  const end = endOf(house, text, number.start);
  if (end < 0 || isLetterOrNumber(text, end)) return null;
  for (const isCertain of [true, false]) {
    const of = isCertain ? 'certain' : 'uncertain';
    const start = startOfWhole(whole, last, nameEnd, least, beginnings[of]) ?? startByEnd(whole, last, nameEnd, least, ends[of]);
    if (start !== null) return { start, end, isCertain };
  }
  return null;
}

/** A house with its letter, or with the next number. */
const house = /\d{1,4}(?: ?[A-Za-z](?![A-Za-z\d])|[-\u2013/+]\d{1,4}[a-z]?)?(?![\d%]|[.,]\d)/y;

/** Where a name begins whose last word ends like a street: with that word, or with the one before where it says nothing else. */
function startByEnd(whole: Text, last: number, nameEnd: number, least: number, of: readonly string[]): number | null {
  const word = whole.lower.slice(last, nameEnd);
  const end = of.find((each) => word.endsWith(each));
  if (end === undefined) return null;
  if (word.length > end.length) return word.length > Math.max(5, end.length + 1) || end.endsWith('.') ? last : null;
  const before = startOfWord(whole, last - 1, least);
  return before < last - 1 && isCapital(whole, before) ? before : null;
}

/** Where a name begins with a word for a street, and has nothing but names and small words behind it. */
function startOfWhole(whole: Text, last: number, nameEnd: number, least: number, of: ReadonlySet<string>): number | null {
  const { lower } = whole;
  for (let count = 0, at = last, end = nameEnd; count < mostWords; count++) {
    const word = lower.slice(at, end);
    const isBeginning = of.has(word) || (word === 'platz' && /^ de[rs] /.test(lower.slice(end, end + 5)));
    if (count > 0 && isBeginning && (isCapital(whole, at) || word === 'ul.')) return at;
    if (!isCapital(whole, at) && !inside.has(word) && !/^\d{1,2}\.?$/.test(word)) return null;
    if (at <= least || lower[at - 1] !== ' ') return null;
    end = at - 1;
    at = startOfWord(whole, end, least);
    if (at === end) return null;
  }
  return null;
}
