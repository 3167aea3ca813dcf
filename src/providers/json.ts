import { isObject } from '../kernel/object.ts';
import { failure } from './failures.ts';

/** The JSON object in an event's data. Throws STREAM_MALFORMED. */
export function objectIn(provider: string, data: string): Record<string, unknown> {
  const value = parsed(data);
  if (isObject(value)) return value;
  throw failure('STREAM_MALFORMED', `${provider} sent an event that is no JSON object`);
}

/** What a vendor says of an error. */
export interface SaidError {
  readonly words: readonly string[];
  readonly message: string | null;
  /** The HTTP status that an error inside a stream says it stands for; null when it says none. */
  readonly code: number | null;
}

/** An error of which the vendor says nothing. */
export const saidNothing: SaidError = { words: [], message: null, code: null };

/** The vendor's words and sentence in `{ error: { type, code, message } }`, or in one of the flatter forms; null when it is no error. */
export function errorIn(value: unknown): SaidError | null {
  if (!isObject(value)) return null;
  const isFlat = value.error === undefined && (value.type === 'error' || value.object === 'error');
  const error = isFlat ? value : value.error;
  if (typeof error === 'string') return { words: [], message: error, code: null };
  if (!isObject(error)) return null;
  // Google says what it means in a `status`, and closer in the reasons of its details.
  const details: unknown[] = Array.isArray(error.details) ? error.details : [];
  const reasons = details.map((detail) => (isObject(detail) ? detail.reason : null));
  const words = [...reasons, error.code, error.type, error.status].filter((word) => typeof word === 'string');
  const code = numberOf(error.code);
  return { words, message: stringOf(error.message), code: code !== null && code >= 400 && code < 600 ? code : null };
}

/** The number a field holds; null when it holds something else. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The text a field holds; null when it holds something else. */
export function stringOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** The JSON value a text holds; undefined when it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON is an answer here, and each caller says what it means
  }
}
