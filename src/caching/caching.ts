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
  /** It takes no text that is older than this, and its own is kept this long. */
  readonly maxAgeSeconds: number;
  readonly outcome: CacheOutcome;
  /** The generation, as a uuid, whose text it copies; null when it writes its own. */
  readonly source: string | null;
}

/** All that a text depends on, but for where providers are called. */
export interface TextInputs {
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

/** All that a text depends on. */
export interface CacheKeyInputs extends TextInputs {
  /** By provider, the tenant's own address of it: what has the same name elsewhere is another model. */
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
] as const satisfies readonly (keyof CacheKeyInputs)[];

/**
 * The key of a start: two starts of a tenant may share a text if their keys are the same. The prompt goes in before anything in it is masked. So
 * starts that share a text gave the same values, and what is put back into it is right for both. The variables go in too: checks
 * read them, and some show only in the draft.
 */
export function cacheKey(inputs: CacheKeyInputs): string {
  // What is not listed, though a caller may bring it along, decides nothing.
  const parts = Object.fromEntries(deciding.map((name) => [name, inputs[name]]));
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
