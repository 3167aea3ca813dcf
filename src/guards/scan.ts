import { fold, type Folded } from './fold.ts';
import { isDigit } from './letters.ts';

/** A stretch of a folded text. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A folded text with what all detectors look for first, found in one pass. */
export interface Scanned extends Folded {
  /** Every number: digits alone. */
  readonly numbers: readonly Stretch[];
  /** Digits with at most three other units between any two of them, six digits at least. */
  readonly dense: readonly Dense[];
}

/** Numbers that stand close together. */
export interface Dense extends Stretch {
  /** How many digits it has. */
  readonly count: number;
}

const mostBetween = 3;
const leastDigits = 6;

/** Folds a text and looks through it once. */
export function scanned(whole: string): Scanned {
  const folded = fold(whole);
  const { text } = folded;
  const numbers: Stretch[] = [];
  const dense: Dense[] = [];
  let first = 0;
  let last = -1;
  let count = 0;
  const close = (): void => {
    if (count >= leastDigits) dense.push({ start: first, end: last, count });
  };
  for (let at = 0; at < text.length; at++) {
    if (!isDigit(text.charCodeAt(at))) continue;
    const start = at;
    while (isDigit(text.charCodeAt(at))) at++;
    numbers.push({ start, end: at });
    if (last < 0 || start - last > mostBetween) {
      close();
      first = start;
      count = 0;
    }
    count += at - start;
    last = at;
  }
  close();
  return { ...folded, numbers, dense };
}

/** Every place where a pattern fits, in order; the pattern has the flag `g`. Without the copy of the pattern that `matchAll` makes. */
export function everyMatch(pattern: RegExp, text: string): RegExpExecArray[] {
  const found: RegExpExecArray[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    found.push(match);
    if (match[0] === '') pattern.lastIndex++;
  }
  return found;
}
