import { AppError } from '../kernel/errors.ts';

/** What a failed statement means: `connection` and `contention` may succeed when tried again, `deadline` was too slow, `statement` is the statement's own. */
export type FailureKind = 'connection' | 'contention' | 'deadline' | 'statement';

/** The statement was not answered in time; `isFrozen` when its connection gave no sign of life while there was time left. */
export class LateError extends Error {
  override readonly name = 'LateError';
  constructor(readonly isFrozen: boolean) {
    super(isFrozen ? 'the database connection gave no answer' : 'the database gave no answer in time');
  }
}

const connectionCodes = new Set([
  // Postgres: terminated by an administrator, by a crash, not yet or no longer up, idle too long, no room for more.
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '53300',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

export function kindOfFailure(error: unknown): FailureKind {
  if (error instanceof LateError) return error.isFrozen ? 'connection' : 'deadline';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (connectionCodes.has(code) || /^08...$/.test(code)) return 'connection';
  if (code === '40001' || code === '40P01') return 'contention';
  if (code === '57014') return 'deadline';
  return 'statement';
}

/** The error a caller gets: UNAVAILABLE or TIMEOUT for what lies with the database, else the error itself. */
export function failureFor(error: unknown): unknown {
  switch (kindOfFailure(error)) {
    case 'connection':
      return new AppError('UNAVAILABLE', 'the database cannot be reached', { retryAfterMs: 1_000, cause: error });
    case 'contention':
      return new AppError('UNAVAILABLE', 'the database is busy with the same rows', { retryAfterMs: 100, cause: error });
    case 'deadline':
      return new AppError('TIMEOUT', 'the database did not answer within the deadline', { retryAfterMs: 1_000, cause: error });
    default:
      return error;
  }
}

/** Whether what a caller got means that its statement has certainly done nothing: after a lost answer nobody knows. */
export function hasDoneNothing(error: unknown): boolean {
  if (!(error instanceof AppError)) return kindOfFailure(error) === 'statement';
  // Without a cause there was no connection to send it on.
  return error.code === 'UNAVAILABLE' && (error.cause === undefined || kindOfFailure(error.cause) === 'contention');
}

/** SQLSTATE classes 22 and 23: the statement's own values, so that repeating it cannot help. */
export function isDataFault(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^2[23]/.test(code);
}

/** Whether a row that the statement refers to was deleted while it ran. */
export function isGone(error: unknown): boolean {
  return (error as { code?: unknown }).code === '23503';
}

/** Milliseconds before attempt `attempt + 1`: 25, 50, 100 ... 1000, each half random so that callers do not return in step. */
export function pauseBeforeRetry(attempt: number): number {
  return Math.min(1_000, 25 * 2 ** attempt) * (0.5 + Math.random() / 2);
}
