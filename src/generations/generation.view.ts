import { getTableColumns } from 'drizzle-orm';
import { AppError } from '../kernel/errors.ts';
import { generations, type GenerationRow, type GenerationStatus } from './generations.table.ts';

/** A generation as it is read: everything but what only its writers need. */
export type GenerationView = Omit<GenerationRow, 'prompt' | 'guards'>;

const { prompt: _prompt, guards: _guards, ...columns } = getTableColumns(generations);
/** The columns of a GenerationView. */
export const viewColumns = columns;

/** Which generations to list; absent and null let all pass. */
export interface GenerationFilter {
  readonly status?: readonly GenerationStatus[] | null;
  readonly template?: string | null;
  readonly createdAfter?: Date | null;
  readonly createdBefore?: Date | null;
}

/** The text of a generation and the position of exactly that text. */
export interface TextAt {
  readonly text: string;
  readonly cursor: string;
}

/** Unknown, deleted, another tenant's and those out of reach are the same to a caller; `path` names the argument. */
export function noSuchGeneration(path: readonly string[]): AppError {
  return new AppError('NOT_FOUND', 'no such generation', { path });
}
