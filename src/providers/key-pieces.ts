/** What stands in a message for what was a key. */
const redacted = '[redacted]';
/** So many characters in a row that a key has too are a piece of it. */
const leastPiece = 6;
/** Of a key as long as vendors' keys are, less than that tells enough: its beginning or end beside what hides the rest, or its end by itself. */
const leastSecret = 16;
const leastBeside = 3;
const endLengths = [4, 5];
/** A word in which asterisks, dots or the like stand for what is left out. */
const maskedPattern = /(?<![\w+/=-])([\w+/=-]*)(?:[*•●█]+|\.{2,}|…|[xX]{4,})[*•●█.…xX]*([\w+/=-]*)/g;

/**
 * The text without a key, and without what of it a vendor repeats: any of its pieces, the ends that it leaves of a masked one, and the last characters by
 * which it tells it from others. In any case. Linear in the text.
 */
export function withoutKey(text: string, key: string): string {
  if (key === '') return text;
  const whole = text.replaceAll(key, redacted);
  if (key.length < leastPiece) return whole;
  const rest = withoutPieces(whole, key.toLowerCase());
  return key.length < leastSecret ? rest : withoutEnds(rest, key.toLowerCase());
}

function withoutPieces(text: string, key: string): string {
  const pieces = new Set<string>();
  for (let at = 0; at + leastPiece <= key.length; at++) pieces.add(key.slice(at, at + leastPiece));
  const small = sameLength(text);
  let clean = '';
  let done = 0;
  for (let at = 0; at + leastPiece <= text.length; at++) {
    if (!pieces.has(small.slice(at, at + leastPiece))) continue;
    let end = at + leastPiece;
    while (end < text.length && pieces.has(small.slice(end - leastPiece + 1, end + 1))) end++;
    clean += text.slice(done, at) + redacted;
    done = end;
    at = end - 1;
  }
  return clean + text.slice(done);
}

function withoutEnds(text: string, key: string): string {
  const isBeginning = (word: string): boolean => word.length >= leastBeside && key.startsWith(word.toLowerCase());
  const isEnd = (word: string): boolean => word.length >= leastBeside && key.endsWith(word.toLowerCase());
  const ends = endLengths.map((length) => key.slice(-length));
  return text
    .replaceAll(maskedPattern, (all, before: string, behind: string) => (isBeginning(before) || isEnd(behind) ? redacted : all))
    .replaceAll(/[\w-]+/g, (word) => (ends.includes(word.toLowerCase()) ? redacted : word))
    .replaceAll(/(?:\[redacted\][*•●█.…xX]*)+\[redacted\]/g, redacted);
}

/** In lower case, unit for unit: the few letters that would become two stay. */
function sameLength(text: string): string {
  const small = text.toLowerCase();
  return small.length === text.length ? small : text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
