/** What no message of a call may repeat: the provider's own key, and the one that was given for this call. */
export function secretsOf(ownKey: string, givenKey: string | null): readonly string[] {
  return givenKey === null ? [ownKey] : [givenKey, ownKey];
}

/** What stands in a message for what was a key. */
const redacted = '[redacted]';
/** This many characters in a row that a key has too are taken for a piece of it. */
const leastPiece = 6;
/** Of a key as long as this even fewer characters tell too much: its beginning or end beside asterisks or dots, or its last characters by themselves. */
const leastSecret = 16;
const leastBeside = 3;
const endLengths = [4, 5];
/** A word in which asterisks, dots or the like stand for what is left out. */
const maskedPattern = /(?<![\w+/=-])([\w+/=-]*)(?:[*•●█]+|\.{2,}|…|[xX]{4,})[*•●█.…xX]*([\w+/=-]*)/g;

/**
 * The text without a key and without what vendors repeat of it: pieces of it, the ends that they leave when they mask it, and the last characters by
 * which they tell keys apart; in upper and lower case. Takes time linear in the text.
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

/** The text in lower case and as long as before: the few letters that would become two stay as they are. */
function sameLength(text: string): string {
  const small = text.toLowerCase();
  return small.length === text.length ? small : text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
