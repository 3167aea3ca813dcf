import { fold, type Folded } from './fold.ts';

/** A stretch of a folded text. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A folded text with what several detectors look for first. */
export interface Scanned extends Folded {
  /** Digits with at most three other units between any two of them, six digits at least. */
  readonly dense: readonly Dense[];
}

/** Numbers that stand close together. */
export interface Dense extends Stretch {
  /** How many digits it has. */
  readonly count: number;
}

const denseDigits = /\d(?:\D{0,3}\d){5,}/g;

/** Folds a text and looks through it; by a pattern, since a line of JavaScript for each unit is one that the engine has to optimise first. */
export function scanned(whole: string): Scanned {
  const folded = fold(whole);
  const dense = everyMatch(denseDigits, folded.text).map(({ 0: digits, index }) => ({
    start: index,
    end: index + digits.length,
    count: digitsIn(digits),
  }));
  return { ...folded, dense };
}

/** How many digits of ASCII a text has. */
export function digitsIn(text: string): number {
  return text.replaceAll(/\D/g, '').length;
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
