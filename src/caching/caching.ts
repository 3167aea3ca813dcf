import { createHash } from 'node:crypto';
import { canonical } from '../idempotency/claim.ts';
import type { CacheMode } from '../tenants/tenants.table.ts';

/** MISS: wrote its own text. HIT: copied one that was whole. SHARED: followed another generation while that was being written. */
export type CacheOutcome = 'MISS' | 'HIT' | 'SHARED';

/** How one generation uses the cache. */
export interface CacheUse {
  readonly mode: Exclude<CacheMode, 'OFF'>;
  /** What its text depends on, as `cacheKey` says it. */
  readonly key: string;
  /** Older texts are not taken by it, and its own is kept so long. */
  readonly maxAgeSeconds: number;
  readonly outcome: CacheOutcome;
  /** The generation, as a uuid, whose text it copies; null when it writes its own. */
  readonly source: string | null;
}

/** All that a text depends on. */
export interface Cached {
  readonly templateVersionId: string;
  readonly requestedModel: string;
  /** Model ids in the order of trying. */
  readonly models: readonly string[];
  /** Those to try instead, by the cause of a failure. */
  readonly branches: Readonly<Partial<Record<string, readonly string[]>>>;
  readonly prompt: unknown;
  readonly draft: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly maxOutputTokens: number;
  readonly temperature: number | null;
  readonly guards: unknown;
}

/** A start, and who would be asked for its text: by provider, the addresses that the tenant has of its own. A model of one name is another elsewhere. */
export interface Addressed extends Cached {
  readonly addresses: Readonly<Record<string, string>>;
}

const deciding = [
  'templateVersionId',
  'requestedModel',
  'models',
  'branches',
  'addresses',
  'prompt',
  'draft',
  'variables',
  'maxOutputTokens',
  'temperature',
  'guards',
] as const satisfies readonly (keyof Addressed)[];

/**
 * The same for starts that may share a text, within one tenant. The prompt goes in as its author wrote it, before anything is masked: whatever
 * is put back into a text was in that prompt, so who shares the text gave the same values. The variables go in for the checks, which
 * read them, and for those that only the draft shows.
 */
export function cacheKey(cached: Addressed): string {
  const parts = Object.fromEntries(deciding.map((name) => [name, cached[name]]));
  return createHash('sha256').update(canonical(parts)).digest('base64url');
}

/** Whether a generation with this use may be given the text of another. */
export function reads({ mode }: Pick<CacheUse, 'mode'>): boolean {
  return mode === 'READ' || mode === 'ON';
}

/** Whether others may be given its text. */
export function writes({ mode }: Pick<CacheUse, 'mode'>): boolean {
  return mode === 'WRITE' || mode === 'ON';
}
