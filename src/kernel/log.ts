import { pino } from 'pino';
import { shownError } from './shown-error.ts';

export type Log = pino.Logger;

/** How much is logged, and where to. */
export interface LogConfig {
  readonly level: string;
  /** Where lines go; standard output when absent. */
  readonly destination?: { write(line: string): void };
}

/** Names of fields whose values never reach a log line: credentials and what people wrote. */
const secrets: ReadonlySet<string> = new Set([
  'authorization',
  'password',
  'secret',
  'apiKey',
  'key',
  'token',
  'variables',
  'text',
  'prompt',
  'draft',
  'cookie',
]);
/** Fields within fields are written so deep. */
const deepest = 10;

/** A line waits so long for others: each write wakes a thread, which takes longer than the line. Its process flushes at its end, unless it is killed. */
const togetherMs = 50;
const togetherBytes = 4_096;
/** Lines are dropped when whoever reads them is so far behind. */
const mostBytes = 8 * 1_024 * 1_024;

/** JSON lines on standard output; known secrets and letter texts are replaced before they are written, errors (`err`) lose what may quote values. What a child is bound to is written as it is. */
export function openLog(config: LogConfig): Log {
  const options = {
    level: config.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => withoutSecrets(shownError(error)) },
    formatters: { log: withoutSecrets },
  };
  if (config.destination) return pino(options, config.destination);
  if (config.level === 'silent') return pino(options, { write: () => undefined });
  return pino(
    options,
    pino.destination({ dest: 1, sync: false, minLength: togetherBytes, maxLength: mostBytes, periodicFlush: togetherMs }),
  );
}

/** The same without its secrets. By ourselves: pino's own reads each of its paths anew for each line, which takes longer than all else about it. */
function withoutSecrets<T extends object>(fields: T, depth = 1): T {
  let copy: Record<string, unknown> | null = null;
  for (const [name, value] of Object.entries(fields)) {
    const shown = secrets.has(name) && value !== undefined ? '[redacted]' : shownOf(value, depth);
    if (shown !== value)
      (copy ??= (Array.isArray(fields) ? [...fields] : { ...fields }) as Record<string, unknown>)[name] = shown;
  }
  return (copy as T | null) ?? fields;
}

/** Errors have a serializer, and bytes no names. */
function shownOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || ArrayBuffer.isView(value)) return value;
  return depth < deepest ? withoutSecrets(value, depth + 1) : '[too deep]';
}
