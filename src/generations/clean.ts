const replacement = '\uFFFD';

/**
 * Makes text storable before its offsets are counted: NUL and lone surrogates become U+FFFD, one unit for one unit, so no offset moves.
 * Half a surrogate pair at the end of a part waits for the next part. One cleaner serves one text, from its first part to `flush`.
 */
export class TextCleaner {
  private half = '';

  /** The clean text of this part, with what waited before it; may be empty. */
  push(part: string): string {
    if (part === '') return '';
    let text = this.half + part;
    this.half = '';
    if (endsWithHighSurrogate(text)) {
      this.half = text.slice(-1);
      text = text.slice(0, -1);
    }
    return clean(text);
  }

  /** What still waits when the text has ended: empty, or the U+FFFD that half a pair became. */
  flush(): string {
    const rest = this.half === '' ? '' : replacement;
    this.half = '';
    return rest;
  }
}

/** The clean form of a text that is already whole. */
export function clean(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', replacement) : wellFormed;
}

function endsWithHighSurrogate(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}
