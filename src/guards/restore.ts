/**
 * Puts details back into a text that comes in parts, wherever it is split. What is held back is the longest end of the text that may be the
 * beginning of a placeholder: always shorter than the longest of them. Case does not matter; every other character passes as it is.
 */
export class Restorer {
  private readonly pattern: RegExp | null;
  private readonly beginnings = new Set<string>();
  private readonly longest: number;
  private held = '';

  private readonly values: ReadonlyMap<string, string>;
  private readonly strange: RegExp | null;

  /** `values` by placeholder: capitals, digits and `_`, none the beginning of another. With `isJson` they become parts of texts in JSON. */
  constructor(values: ReadonlyMap<string, string>, { isJson = false } = {}) {
    const placeholders = [...values.keys()];
    this.values = isJson
      ? new Map([...values].map(([placeholder, value]) => [placeholder, JSON.stringify(value).slice(1, -1)]))
      : values;
    const words = new Set(placeholders.map((placeholder) => placeholder.replace(/_\d+$/, '')));
    this.strange =
      words.size > 0 ? new RegExp(String.raw`(?<![A-Z])(?:${[...words].join('|')})[ \\]{0,2}_[ \\]{0,2}\d`, 'i') : null;
    this.longest = placeholders.reduce((longest, { length }) => Math.max(longest, length), 0);
    // Without the flag `u`, so that no letter beyond ASCII is the same as one of these in another case.
    this.pattern = placeholders.length > 0 ? new RegExp(placeholders.join('|'), 'gi') : null;
    for (const placeholder of placeholders)
      for (let length = 1; length < placeholder.length; length++) this.beginnings.add(placeholder.slice(0, length));
  }

  /** How much is held back, in UTF-16 code units. */
  get heldUnits(): number {
    return this.held.length;
  }

  /** The text of this part and of what was held back, as far as it is certain; may be empty. */
  push(part: string): string {
    if (!this.pattern) return part;
    const text = this.held + part;
    let restored = '';
    let at = 0;
    for (const { 0: placeholder, index } of text.matchAll(this.pattern)) {
      restored += text.slice(at, index) + (this.values.get(placeholder.toUpperCase()) ?? placeholder);
      at = index + placeholder.length;
    }
    const end = text.length - this.beginningAtEnd(text, at);
    this.held = text.slice(end);
    return restored + text.slice(at, end);
  }

  /** What is still held back when the text has ended: the beginning of a placeholder that did not come. */
  flush(): string {
    const rest = this.held;
    this.held = '';
    return rest;
  }

  /**
   * Whether a restored text still holds what looks like a placeholder: one that was never given, or is spelled otherwise. The words of placeholders
   * are in no prompt and in no value, so the model made it.
   */
  isLeftIn(text: string): boolean {
    return this.strange?.test(text) === true;
  }

  private beginningAtEnd(text: string, from: number): number {
    for (let length = Math.min(this.longest - 1, text.length - from); length > 0; length--)
      if (this.beginnings.has(text.slice(-length).toUpperCase())) return length;
    return 0;
  }
}
