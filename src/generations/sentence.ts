/** Sentences as Unicode tells them apart (UAX #29), the same in every language; an end of a line is an end. */
const segmenter = new Intl.Segmenter('und', { granularity: 'sentence' });
/** A text without a sentence end in so many units is no prose. */
const windowUnits = 8_192;
/**
 * What ends a text at the end of a sentence: a new line, or a mark with quotes and brackets behind it. A full stop counts only before white
 * space, since "3." may become "3.14".
 */
const wholePattern =
  /[\n\u2029]\s*$|[.!?\p{Sentence_Terminal}]\p{Pe}*[\p{Pf}"']*\s+$|(?!\.)\p{Sentence_Terminal}[\p{Pe}\p{Pf}"']*$/u;

/** Where the last whole sentence of a text ends, white space behind it included; null when there is none. Never inside a character. */
export function lastSentenceEnd(text: string): number | null {
  const from = Math.max(0, text.length - windowUnits);
  let last = { index: 0, segment: '' };
  for (const part of segmenter.segment(text.slice(from))) last = part;
  const end = wholePattern.test(last.segment) ? text.length : from + last.index;
  return end > from ? end : null;
}
