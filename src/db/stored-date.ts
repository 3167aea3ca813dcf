/** Where the parts of `2026-11-21 04:22:15.123456+00` stand: how Postgres writes a timestamptz where the time zone is UTC. */
const lengthOf = { seconds: 19, milliseconds: 23, zone: 3 } as const;
const [dash, space, plus, zero] = [45, 32, 43, 48];

/**
 * An instant as Postgres wrote it. The language is slow to parse that form and to write its own, and a page of a list shows forty of
 * them: this one is read digit by digit and is written from the text it was read from.
 */
export class StoredDate extends Date {
  private readonly stored: string;
  /** What `stored` says; NaN for years of more or less than four digits and for infinity, which the language reads. */
  private readonly at: number;

  constructor(stored: string) {
    const at = epochOf(stored);
    super(Number.isNaN(at) ? stored : at);
    this.stored = stored;
    this.at = at;
  }

  override toISOString(): string {
    // A date can be changed after it was made.
    if (this.getTime() !== this.at) return super.toISOString();
    const { stored } = this;
    const hasMilliseconds = stored.length >= lengthOf.milliseconds + lengthOf.zone;
    const time = hasMilliseconds
      ? stored.slice(11, lengthOf.milliseconds)
      : stored.slice(11, -lengthOf.zone) + '.000'.slice(stored.length - lengthOf.seconds - lengthOf.zone);
    return `${stored.slice(0, 10)}T${time}Z`;
  }
}

/** Milliseconds, cut off and not rounded, as dates before 1970 are too; NaN for any other form. */
function epochOf(stored: string): number {
  const { length } = stored;
  const isOurForm =
    length >= lengthOf.seconds + lengthOf.zone &&
    stored.charCodeAt(4) === dash &&
    stored.charCodeAt(10) === space &&
    stored.charCodeAt(length - lengthOf.zone) === plus &&
    stored.charCodeAt(length - 2) === zero &&
    stored.charCodeAt(length - 1) === zero &&
    stored.charCodeAt(0) !== zero;
  if (!isOurForm) return Number.NaN;
  let milliseconds = 0;
  for (let index = lengthOf.seconds + 1; index < lengthOf.milliseconds; index++) {
    milliseconds = milliseconds * 10 + (index < length - lengthOf.zone ? stored.charCodeAt(index) - zero : 0);
  }
  return Date.UTC(
    numberAt(stored, 0) * 100 + numberAt(stored, 2),
    numberAt(stored, 5) - 1,
    numberAt(stored, 8),
    numberAt(stored, 11),
    numberAt(stored, 14),
    numberAt(stored, 17),
    milliseconds,
  );
}

/** The two digits at a place. */
function numberAt(text: string, index: number): number {
  return (text.charCodeAt(index) - zero) * 10 + text.charCodeAt(index + 1) - zero;
}
