import type { AttemptEnd, GenerationStatus, RestartReason } from './generations.table.ts';
import { invalidCursor, type Position } from './cursor.ts';

/** One attempt, as far as readers need it. */
export interface AttemptState {
  readonly number: number;
  /** Where its text begins in the generation's text: 0 for a restart. */
  readonly base: number;
  readonly model: string;
  readonly reason: RestartReason | null;
  readonly endedBy: AttemptEnd | null;
  /** Where its text ended; null while open and after a take-over. */
  readonly endOffset: number | null;
}

/** A generation at one moment: its attempts in order and the text that survives them. */
export interface Story {
  readonly status: GenerationStatus;
  readonly attempts: readonly AttemptState[];
  /** Surviving text; it may be longer than what may be delivered yet. */
  readonly text: string;
  /** How much of `text` may be delivered. */
  readonly end: number;
}

/** A piece of text as it was flushed. */
export interface Chunk {
  readonly attempt: number;
  readonly start: number;
  readonly body: string;
}

/** What a reader is told next, and where it is afterwards. */
export type Told =
  | { readonly kind: 'started'; readonly position: Position; readonly attempt: AttemptState }
  | { readonly kind: 'restarted'; readonly position: Position; readonly attempt: AttemptState; readonly offset: number }
  | { readonly kind: 'delta'; readonly position: Position; readonly offset: number; readonly text: string }
  | { readonly kind: 'finished'; readonly position: Position };

/** What is next for a reader: something to be told, or nothing for now, or nothing any more. */
export type Step = Told | { readonly kind: 'wait' } | { readonly kind: 'end' };

/** The longest delta, in UTF-16 code units: at most 48 KiB as UTF-8, so that an encoded message stays below 64 KiB. */
export const sliceUnits = 16_384;

export function isFinal(status: GenerationStatus): boolean {
  return status !== 'QUEUED' && status !== 'RUNNING';
}

/** How much of what a reader at (attempt, offset) holds is still part of the text: nothing from the base of any later attempt on. */
export function survivingOffset(attempts: readonly AttemptState[], attempt: number, offset: number): number {
  return attempts.reduce((least, later) => (later.number > attempt ? Math.min(least, later.base) : least), offset);
}

/** Where a reading of chunks ended: the last row, and the text before it. The next reading begins with that row, which may have grown. */
export interface Mark {
  readonly attempt: number;
  readonly start: number;
  readonly text: string;
}

/**
 * The surviving text of stored chunks (ordered by attempt, then start). Rows of an attempt count from its base up to the base of
 * every later attempt, so late rows of a process that lost its lease change nothing; it stops at the first gap.
 * With the mark of an earlier reading, `chunks` are those from the marked row on.
 */
export function assemble(attempts: readonly AttemptState[], chunks: readonly Chunk[], mark: Mark | null = null): string {
  let text = mark?.text ?? '';
  for (const { number, base } of attempts) {
    if (mark && number < mark.attempt) continue;
    if (number !== mark?.attempt) text = text.slice(0, base);
    for (const { attempt, start, body } of chunks) {
      if (attempt !== number || start > text.length) continue;
      if (start + body.length > text.length) text = text.slice(0, start) + body;
    }
  }
  return text;
}

/** Throws INVALID_CURSOR for a position that no reader of this story can have reached. */
export function checkPosition(story: Story, position: Position): void {
  const current = story.attempts.at(-1)?.number ?? 0;
  if (position.attempt > current) throw invalidCursor('it is ahead of the generation');
  if (position.done && !isFinal(story.status)) throw invalidCursor('it says finished, and the generation is not');
  if (position.attempt === 0 && position.offset > 0) throw invalidCursor('it is ahead of the generation');
  const attempt = story.attempts[position.attempt - 1];
  if (attempt?.endOffset != null && position.offset > attempt.endOffset)
    throw invalidCursor('it is beyond the end of its attempt');
  const isHeld = position.offset <= survivingOffset(story.attempts, position.attempt, position.offset);
  if (isHeld && splitsPair(story.text, position.offset)) throw invalidCursor('it is inside a character');
}

/** Whether a reader of this story can be at `position` already. */
export function isReached(story: Story, { attempt, done }: Position): boolean {
  return attempt <= (story.attempts.at(-1)?.number ?? 0) && (!done || isFinal(story.status));
}

/** What a reader at `position` (null: it has seen nothing) is told next. Replays state, not history. */
export function nextStep(story: Story, position: Position | null): Step {
  const current = story.attempts.at(-1);
  const isOver = isFinal(story.status);
  if (position?.done) return { kind: 'end' };
  // Cancelled or timed out in the queue: there never was an attempt.
  if (!current) return isOver ? { kind: 'finished', position: { attempt: 0, offset: 0, done: true } } : { kind: 'wait' };

  if (position === null || position.attempt === 0) {
    // An attempt that fails before its first token is nothing a reader sees.
    if (story.end === 0 && !isOver) return { kind: 'wait' };
    return { kind: 'started', position: { attempt: current.number, offset: 0, done: false }, attempt: current };
  }
  if (position.attempt < current.number) {
    // What a reader has stays until there is something in its place: an attempt that never writes a word is nothing it sees.
    if (story.end <= current.base && !isOver) return { kind: 'wait' };
    const offset = survivingOffset(story.attempts, position.attempt, position.offset);
    return { kind: 'restarted', position: { attempt: current.number, offset, done: false }, attempt: current, offset };
  }
  // What is known here is older than what the reader saw elsewhere.
  if (position.attempt > current.number) return { kind: 'wait' };
  if (position.offset < story.end) {
    const to = sliceEnd(story.text, position.offset, story.end);
    const text = story.text.slice(position.offset, to);
    return { kind: 'delta', position: { ...position, offset: to }, offset: position.offset, text };
  }
  if (isOver) return { kind: 'finished', position: { ...position, done: true } };
  return { kind: 'wait' };
}

function sliceEnd(text: string, from: number, end: number): number {
  const to = Math.min(end, from + sliceUnits);
  return splitsPair(text, to) ? to - 1 : to;
}

function splitsPair(text: string, offset: number): boolean {
  return isHigh(text.charCodeAt(offset - 1)) && isLow(text.charCodeAt(offset));
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
