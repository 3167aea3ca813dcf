import { fold, type Folded } from './fold.ts';

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
  // A pattern finds them without a line of JavaScript for each unit, which the engine would have to optimise first.
  const numbers = everyMatch(/\d+/g, folded.text).map(({ 0: digits, index }) => ({ start: index, end: index + digits.length }));
  return { ...folded, numbers, dense: denseOf(numbers) };
}

function denseOf(numbers: readonly Stretch[]): Dense[] {
  const dense: Dense[] = [];
  let open: { start: number; end: number; count: number } | null = null;
  for (const { start, end } of numbers) {
    if (open && start - open.end <= mostBetween) {
      open.end = end;
      open.count += end - start;
      continue;
    }
    if (open && open.count >= leastDigits) dense.push(open);
    open = { start, end, count: end - start };
  }
  if (open && open.count >= leastDigits) dense.push(open);
  return dense;
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
