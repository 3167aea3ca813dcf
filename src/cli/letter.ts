/** Where a letter is printed. */
export interface Paper {
  /** Characters in a row; the letter keeps within them. */
  readonly columns: number;
  /** Whether rows can be written over: a terminal. */
  readonly isTerminal: boolean;
  /** Whether it shows weight and shade. */
  readonly isStyled: boolean;
  write(text: string): void;
}

const gutterWidth = 10;
const longestRow = 84;
const shortestRow = 20;

/**
 * Prints a text that is still being written. Rows break between words; each begins with the position of its first character, in UTF-16
 * code units. On a terminal a line below says how far it is.
 */
export class Letter {
  private readonly width: number;
  /** How much was handed over. */
  private position = 0;
  /** Characters in the open row; null before it began. */
  private row: number | null = null;
  private word = '';
  private gap = 0;

  constructor(private readonly paper: Paper) {
    this.width = Math.max(shortestRow, Math.min(longestRow, paper.columns - 1 - gutterWidth));
  }

  /** Prints what came; the last word waits for its end. */
  add(text: string, status: string): void {
    let output = '';
    for (const character of text) {
      if (character === '\n' || character === ' ') {
        output += this.takeWord();
        if (character === ' ') this.gap++;
        else output += this.endRow(this.position);
      } else this.word += character;
      this.position += character.length;
    }
    this.paper.write(this.over(output, status));
  }

  /** Goes on from an earlier position, on a row of its own. */
  cutBack(offset: number, kept: string, why: string): void {
    this.finish();
    this.paper.write(`${this.dim(`${' '.repeat(gutterWidth - 2)}┆ ${why}`)}\n`);
    this.position = 0;
    this.add(kept.slice(0, offset), '');
  }

  /** Prints what waits and ends the row. */
  finish(): void {
    const rest = this.takeWord();
    this.paper.write(this.over(this.row === null && rest === '' ? '' : `${rest}\n`, ''));
    this.row = null;
    this.gap = 0;
  }

  bold(text: string): string {
    return this.paper.isStyled ? `\u001B[1m${text}\u001B[22m` : text;
  }

  dim(text: string): string {
    return this.paper.isStyled ? `\u001B[2m${text}\u001B[22m` : text;
  }

  private takeWord(): string {
    const { word, gap } = this;
    if (word === '') return '';
    const start = this.position - word.length;
    let output = '';
    if (this.row === null) output = this.beginRow(start);
    else if (this.row + gap + word.length > this.width) output = `\n${this.beginRow(start)}`;
    else output = this.space(gap);
    this.row = (this.row ?? 0) + word.length;
    this.word = '';
    this.gap = 0;
    return output + word;
  }

  private space(gap: number): string {
    this.row = (this.row ?? 0) + gap;
    return ' '.repeat(gap);
  }

  private beginRow(position: number): string {
    this.row = 0;
    return `${this.dim(`${String(position).padStart(gutterWidth - 3)} │`)} `;
  }

  private endRow(position: number): string {
    const output = `${this.row === null ? this.beginRow(position).trimEnd() : ''}\n`;
    this.row = null;
    this.gap = 0;
    return output;
  }

  /** Erases the status, prints, and draws it anew one line below; the cursor stays where the text goes on. */
  private over(output: string, status: string): string {
    if (!this.paper.isTerminal) return output;
    if (status === '') return `\u001B[J${output}`;
    const shown = status.slice(0, this.paper.columns - 1);
    const column = this.row === null ? 0 : gutterWidth + this.row;
    return `\u001B[J${output}\n${this.dim(shown)}\u001B[1A\r${column > 0 ? `\u001B[${column}C` : ''}`;
  }
}
