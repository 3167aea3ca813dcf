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

/** JSON lines on standard output; known secrets and letter texts are replaced before they are written, errors (`err`) lose what may quote values. */
export function openLog(config: LogConfig): Log {
  const options = {
    level: config.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: shownError },
    redact: { paths: secretPaths.flatMap((path) => [path, `*.${path}`, `*.*.${path}`]), censor: '[redacted]' },
  };
  return config.destination ? pino(options, config.destination) : pino(options);
}
