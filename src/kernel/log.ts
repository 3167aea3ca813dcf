import { pino } from 'pino';
import { shownError } from './shown-error.ts';

export type Log = pino.Logger;

/** How much is logged, and where to. */
export interface LogConfig {
  readonly level: string;
  /** Where lines go; standard output when absent. */
  readonly destination?: { write(line: string): void };
}

/** Paths whose values never reach a log line: credentials and what people wrote. */
const secretPaths = [
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
];

/** A line waits so long for others: each write wakes a thread, which takes longer than the line. Its process flushes at its end, unless it is killed. */
const togetherMs = 50;
const togetherBytes = 4_096;
/** Lines are dropped when whoever reads them is so far behind. */
const mostBytes = 8 * 1_024 * 1_024;

/** JSON lines on standard output; known secrets and letter texts are replaced before they are written, errors (`err`) lose what may quote values. */
export function openLog(config: LogConfig): Log {
  const options = {
    level: config.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: shownError },
    redact: { paths: secretPaths.flatMap((path) => [path, `*.${path}`, `*.*.${path}`]), censor: '[redacted]' },
  };
  if (config.destination) return pino(options, config.destination);
  if (config.level === 'silent') return pino(options, { write: () => undefined });
  return pino(
    options,
    pino.destination({ dest: 1, sync: false, minLength: togetherBytes, maxLength: mostBytes, periodicFlush: togetherMs }),
  );
}
