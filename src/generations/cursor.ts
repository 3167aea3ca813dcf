import { AppError } from '../kernel/errors.ts';

/** How far a reader is: it has applied everything up to `offset` of attempt `attempt`; `done` when it saw the end. */
export interface Position {
  readonly attempt: number;
  /** UTF-16 code units from the beginning of the generation's text. */
  readonly offset: number;
  readonly done: boolean;
}

const pattern = /^(gen_[0-9a-z]{26})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(\.done)?$/;

/** The opaque text of a position. It grants nothing: whoever presents it passes the same checks as without. */
export function encodeCursor(generationId: string, { attempt, offset, done }: Position): string {
  return Buffer.from(`${generationId}.${attempt}.${offset}${done ? '.done' : ''}`).toString('base64url');
}

/** Throws INVALID_CURSOR for a text that is no cursor of this generation. */
export function decodeCursor(generationId: string, cursor: string): Position {
  const match = cursor.length <= 200 ? pattern.exec(Buffer.from(cursor, 'base64url').toString('latin1')) : null;
  if (!match) throw invalidCursor('it is not a cursor');
  if (match[1] !== generationId) throw invalidCursor('it belongs to another generation');
  return { attempt: Number(match[2]), offset: Number(match[3]), done: match[4] !== undefined };
}

/** The error for a cursor that cannot be continued from; `why` completes the sentence. */
export function invalidCursor(why: string): AppError {
  return new AppError('INVALID_CURSOR', `cannot go on after this cursor: ${why}`, { path: ['after'] });
}
