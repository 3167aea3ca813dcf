import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import type { AuditService } from './audit.service.ts';
import { canonicalJson } from './chain.ts';
import { sealableOf, type SealedEntry } from './read.ts';

const dayPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * The export of a tenant's audit log: one entry a line, in the order of the chain, each with its position and its hash. The hash is the
 * SHA-256 of `{"entry":...,"position":...,"previous":...}` in canonical JSON (RFC 8785), `previous` being the hash of the line before, so
 * that anybody can verify it.
 */
export function auditDownload(audit: AuditService) {
  return {
    path: '/audit.ndjson',
    mediaType: 'application/x-ndjson; charset=utf-8',
    permission: 'audit:read' as const,
    async open(scope: Scope, query: URLSearchParams, signal: AbortSignal): Promise<AsyncIterable<string>> {
      const period = { from: momentOf(query, 'from'), to: momentOf(query, 'to') };
      return linesOf(await audit.export(scope, period, signal));
    },
  };
}

async function* linesOf(pages: AsyncIterable<readonly SealedEntry[]>): AsyncGenerator<string, void> {
  for await (const page of pages) yield page.map(lineOf).join('');
}

function lineOf(sealed: SealedEntry): string {
  const { position, hash } = sealed;
  return `${canonicalJson({ position, hash, entry: sealableOf(sealed) })}\n`;
}

/** The language makes the 2nd of March of the 30th of February. */
function isDay(text: string): boolean {
  const day = new Date(text);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

function momentOf(query: URLSearchParams, name: 'from' | 'to'): Date | null {
  const [text, ...others] = query.getAll(name);
  if (text === undefined) return null;
  // The form first: the language reads much more, and each runtime its own.
  const moment = new Date(dayPattern.test(text) && isDay(text.slice(0, 10)) ? text : Number.NaN);
  if (others.length > 0 || Number.isNaN(moment.getTime()))
    throw new AppError('INVALID_INPUT', `${name} is no day (2026-01-31) and no moment (2026-01-31T12:00:00Z)`, { path: [name] });
  return moment;
}
