import { endOf, isLetterOrNumber } from './letters.ts';
import { endOfWord, isCapital, type Text } from './words.ts';

/** Great Britain; the United States, with its state; Canada. What stands behind the place. */
const codeBehind =
  /(?:[A-Z]{1,2}\d{1,2}|[A-Z]{1,2}\d[A-HJ-NP-Z]) ?\d[ABD-HJLNP-UW-Z]{2}|(?:[A-Z]{2},? )?(?:\d{5}(?:-\d{4})?(?![.,]\d)|[A-Z]\d[A-Z] ?\d[A-Z]\d)/y;
/** The rest of Europe, with what stands before the place. */
const codeBefore = /(?:[A-Z]{1,2}-)?(?:\d{3} \d{2}|\d{4} [A-Z]{2}|\d{2}-\d{3}|\d{4,5}) /y;
/** A British postcode by itself: none of the sizes and the words of trade that look like one. */
const british = /(?!B2[BC])(?![A-Z\d]{2,4} ?\d[TGPMHK][BZ])(?:[A-Z]{1,2}\d{1,2}|[A-Z]{1,2}\d[A-HJ-NP-Z]) ?\d[ABD-HJLNP-UW-Z]{2}/y;

/** Small words inside of names of places. */
const inside = new Set('am an der im upon on under de la sur of'.split(' '));
const mostWords = 6;

/** Where a place with its postcode ends that begins there; -1 when none does. */
export function endOfPlace(whole: Text, start: number): number {
  const { text } = whole;
  const code = endOf(codeBefore, text, start);
  const behind = code < 0 ? -1 : endOfNames(whole, code);
  if (behind >= 0) return behind;
  for (let count = 0, at = start; count <= mostWords; count++) {
    const end = endOf(codeBehind, text, at);
    if (end >= 0 && !isLetterOrNumber(text, end)) return end;
    const word = endOfWord(whole, at);
    if (word === at || (!isCapital(whole, at) && !inside.has(text.slice(at, word)))) return -1;
    at = /[.,]/.test(text[word] ?? '') ? word + 1 : word;
    if (text[at] !== ' ') return -1;
    at++;
  }
  return -1;
}

/** Where a British postcode ends that begins there; -1 when none does. */
export function endOfPostcode(text: string, start: number): number {
  const end = endOf(british, text, start);
  return end < 0 || isLetterOrNumber(text, end) ? -1 : end;
}

function endOfNames(whole: Text, start: number): number {
  let last = -1;
  for (let count = 0, at = start; count < mostWords; count++) {
    const end = endOfWord(whole, at);
    if (isCapital(whole, at)) last = end;
    else if (count === 0 || !inside.has(whole.text.slice(at, end))) break;
    if (whole.text[end] !== ' ') break;
    at = end + 1;
  }
  return last;
}
