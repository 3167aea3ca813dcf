import type { CacheWish } from '../caching/cache.service.ts';
import { writes, type TextInputs, type CacheUse } from '../caching/caching.ts';
import { claimOf, type IdempotencyClaim } from '../idempotency/claim.ts';
import { AppError } from '../kernel/errors.ts';
import { checkRange } from '../kernel/given.ts';
import { autoRoute } from '../routing/models.ts';
import { mostOutputTokens, type RoutePlan } from '../routing/plan.ts';
import { checkCacheAge } from '../tenants/tenant.service.ts';
import type { StartInput } from './generation.service.ts';
import type { Recipe } from './insert.ts';
import type { Work } from './run.ts';

const longestMetadata = 16_384;

/** The claim of a start: of no model, of null and of `auto` it is the same. */
export function claimOfStart(operation: string, input: StartInput): IdempotencyClaim | null {
  const asked = { ...input, model: input.model ?? autoRoute };
  return claimOf(operation, asked);
}

/** Throws INVALID_INPUT, naming the field, for what no generation is started with. */
export function checkInput({ temperature, metadata, cache }: StartInput, maxOutputTokens: number): void {
  checkRange(maxOutputTokens, 1, mostOutputTokens, ['input', 'maxOutputTokens']);
  checkRange(temperature, 0, 2, ['input', 'temperature']);
  checkAge(cache);
  if (!metadata || JSON.stringify(metadata).length <= longestMetadata) return;
  throw new AppError('INVALID_INPUT', `metadata is longer than ${longestMetadata} characters of JSON`, {
    path: ['input', 'metadata'],
  });
}

/** Throws INVALID_INPUT for an age at which no text is given to others. */
export function checkAge(wish: CacheWish | null | undefined): void {
  checkCacheAge(wish?.maxAgeSeconds, ['input', 'cache', 'maxAgeSeconds']);
}

/** What the text of a generation depends on. */
export function cachedOf(recipe: Recipe, { models, branches }: RoutePlan): TextInputs {
  return { ...recipe, models, branches };
}

/** What a retry wants of the cache when nobody says: a new text, for all who were given the one before. */
export function anew(use: CacheUse | null): CacheWish {
  return use && writes(use) ? { mode: 'WRITE', maxAgeSeconds: use.maxAgeSeconds } : { mode: 'OFF' };
}

/** What is to be written by a first attempt, with `model`. */
export function workOf(
  recipe: Recipe,
  { model, ...rest }: Pick<Work, 'tenantId' | 'id' | 'plan' | 'cache' | 'outputSchema'> & { readonly model: string },
): Work & Pick<Recipe, 'metadata'> {
  const first = { number: 1, base: 0, model, reason: null, endedBy: null, endOffset: null };
  return { ...recipe, ...rest, epoch: 1, attempts: [first], messages: recipe.prompt, complaint: null, skipped: [], ageMs: 0 };
}
