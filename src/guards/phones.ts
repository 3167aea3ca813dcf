import type { Detector, Found } from './kinds.ts';
import { isLetterOrNumber } from './letters.ts';
import { digitsIn, everyMatch, type Scanned } from './scan.ts';

/** Digits with what people write between them. Nothing but digits and separators: it never has to be read twice. */
const numberPattern = /[+(]{0,2}\d(?:[ ().\-\u2012\u2013/]{0,3}\d)+/g;

/** In a text in lower case. */
const phoneLabel =
  /(?:(?<![a-zß-\u024f])(?:tel|telephone|phone|mobile|mob|cell|fax|telefon|telefono|teléfono|téléphone|portable|handy|mobil|tlf|whatsapp)(?![a-zß-\u024f])|☎|📞)[^a-zß-\u052f\d\n]{0,8}$/;
/** How far before a number the word for it is looked for. */
const labelReach = 24;

const internationalStart = /^\(?(?:\+|00)/;
const mostPhoneDigits = 15;
const mostNationalDigits = 12;
const leastNationalDigits = 9;

/** One number of a text. */
interface Run {
  readonly run: string;
  readonly index: number;
}

/**
 * Numbers to be called: international ones, national ones that begin with 0, the North American and the paired European forms, and any of six
 * digits or more behind a word for it. Years and amounts are none.
 */
export const phoneDetector: Detector = {
  kind: 'phone',
  find: (scanned) =>
    scanned.dense.flatMap((digits) => {
      const from = Math.max(0, digits.start - 2);
      return everyMatch(numberPattern, scanned.text.slice(from, digits.end))
        .flatMap(({ 0: run, index }) => numbersIn(run, from + index))
        .flatMap((each) => phoneIn(scanned, each));
    }),
};

function phoneIn({ text, lower }: Scanned, { run, index }: Run): Found[] {
  const count = digitsIn(run);
  if (text[index - 1] === '_' || isLetterOrNumber(text, index - 1)) return [];
  const isCalled =
    (count >= 7 && count <= mostPhoneDigits && internationalStart.test(run)) ||
    (isNational(run, count) && !/^\(?\d{1,2}[./-](?:\d{1,2}[./-])?(?:19|20)\d{2}/.test(run)) ||
    /^\(?[2-9]\d{2}[)]?[ .-]{1,2}\d{3}[ .-]\d{4}$/.test(run) ||
    /^\d{2}(?: \d{2}){3,4}$/.test(run) ||
    (count >= 6 && count <= mostPhoneDigits && phoneLabel.test(lower.slice(Math.max(0, index - labelReach), index)));
  return isCalled ? [{ kind: 'phone', start: index, end: index + run.length }] : [];
}

function isNational(run: string, count: number): boolean {
  return count >= leastNationalDigits && count <= mostNationalDigits && /^[(]?0[1-9]/.test(run);
}

/** Stands between two numbers, where what stands within one is a single separator. */
const betweenNumbers = /[ ]+\/[ ]*|\/[ ]+|[ ]{2,}/;

/** One number, or the several that a run is which has more digits than a number. */
function numbersIn(run: string, index: number): Run[] {
  if (digitsIn(run) <= mostPhoneDigits) return [{ run, index }];
  let at = 0;
  return run.split(betweenNumbers).flatMap((part) => {
    const start = run.indexOf(part, at);
    at = start + part.length;
    return callableIn(part).map((each) => ({ run: each.run, index: index + start + each.index }));
  });
}

/** Numbers with nothing but a space between them: each goes on as long as it may, and no further than to the 0 of the next one. */
function callableIn(run: string): Run[] {
  if (digitsIn(run) <= mostPhoneDigits) return [{ run, index: 0 }];
  const numbers: Run[] = [];
  const groups = everyMatch(/[+(]{0,2}\d[^ ]*/g, run);
  for (let first = 0; first < groups.length; first++) {
    const start = groups[first]?.index ?? 0;
    const isInternational = internationalStart.test(run.slice(start));
    let last = -1;
    for (let next = first; next < groups.length; next++) {
      const number = run.slice(start, endOf(groups[next]));
      const count = digitsIn(number);
      const isNext = last >= 0 && /^\(?0/.test(groups[next]?.[0] ?? '');
      if (isNext || count > (isInternational ? mostPhoneDigits : mostNationalDigits)) break;
      if (isNational(number, count) || (isInternational && count >= leastNationalDigits)) last = next;
    }
    // In the middle of other digits none begins.
    if (last < 0) break;
    numbers.push({ run: run.slice(start, endOf(groups[last])), index: start });
    first = last;
  }
  return numbers;
}

function endOf(group: RegExpExecArray | undefined): number {
  return group ? group.index + group[0].length : 0;
}
