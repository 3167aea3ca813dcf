import { isLuhn } from './checksums.ts';
import type { Detector, Found } from './kinds.ts';
import { everyMatch, type Stretch } from './scan.ts';

const leastCardDigits = 13;
const mostCardDigits = 19;

/** Groups of digits that make up a card number by their length, their first digits and their sum; several cards may stand in one run. */
export const cardDetector: Detector = {
  kind: 'card',
  find: ({ text, dense }) =>
    dense.flatMap(({ start, end, count }) =>
      count < leastCardDigits ? [] : cardsIn(text.slice(start, end), start, text[start - 1] === '+'),
    ),
};

/** `isCalled`: what the digits begin with is a number to be called. */
function cardsIn(digits: string, from: number, isCalled: boolean): Found[] {
  return everyMatch(/\d(?:[ -]?\d){12,}/g, digits).flatMap(({ 0: run, index }) => {
    const groups = everyMatch(/\d+/g, run).map((group) => ({ start: group.index, end: group.index + group[0].length }));
    const found: Found[] = [];
    for (let first = isCalled && index === 0 ? 1 : 0; first < groups.length; first++) {
      const last = lastOfCard(run, groups, first);
      const [start, end] = [groups[first]?.start, groups[last]?.end];
      if (start === undefined || end === undefined) continue;
      found.push({ kind: 'card', start: from + index + start, end: from + index + end });
      first = last;
    }
    return found;
  });
}

/** The last of the groups from `first` on that make up a card number; -1 when none do. */
function lastOfCard(run: string, groups: readonly Stretch[], first: number): number {
  let digits = '';
  for (let last = first; last < groups.length; last++) {
    digits += run.slice(groups[last]?.start, groups[last]?.end);
    if (digits.length > mostCardDigits) break;
    const isLong = digits.length >= leastCardDigits;
    if (isLong && /^(?:[3456]|2[2-7])/.test(digits) && !/^(\d)\1+$/.test(digits) && isLuhn(digits)) return last;
  }
  return -1;
}
