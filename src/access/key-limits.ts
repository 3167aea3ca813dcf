import { and, eq } from 'drizzle-orm';
import type { Statements } from '../db/connection.ts';
import { AppError } from '../kernel/errors.ts';
import { checkRange } from '../kernel/given.ts';
import type { Scope } from '../kernel/scope.ts';
import { apiKeys, type ApiKeyRow } from './keys.table.ts';

/** The limits that a key can have of its own. */
const names = ['requestsPerMinute', 'startsPerMinute', 'maxGenerations', 'maxSockets', 'maxSubscriptions'] as const;
const highest = 100_000_000;

/** A key's own limits; null for none. */
export type OwnLimits = Pick<ApiKeyRow, (typeof names)[number]>;

/** Limits as they are asked for; absent is not asked for, null is as few as possible. */
export type AskedLimits = { readonly [K in keyof OwnLimits]?: number | null };

/** A key's own limits, and nothing else of it. */
export function limitsOf(key: OwnLimits): OwnLimits {
  const { requestsPerMinute, startsPerMinute, maxGenerations, maxSockets, maxSubscriptions } = key;
  return { requestsPerMinute, startsPerMinute, maxGenerations, maxSockets, maxSubscriptions };
}

/** The limits of the key in use; null when it has none, or it is no key. */
export async function limitsOfCaller(
  { query }: Pick<Statements, 'query'>,
  { tenantId, keyId }: Scope,
): Promise<OwnLimits | null> {
  if (keyId === null) return null;
  const [row] = await query
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.tenantId, tenantId), eq(apiKeys.id, keyId)));
  return row ? limitsOf(row) : null;
}

/**
 * The limits to store: those asked for, `before` where nothing is, and no looser than the caller's own, which is what null means then.
 * INVALID_INPUT and FORBIDDEN name the field.
 */
export function limitsFor(asked: AskedLimits, before: OwnLimits | null, caller: OwnLimits | null): OwnLimits {
  const limitFor = (name: (typeof names)[number]): number | null => {
    const value = asked[name];
    checkRange(value, 1, highest, ['input', name]);
    const own = caller?.[name] ?? null;
    if (value === undefined) return before ? before[name] : own;
    if (value !== null && own !== null && value > own) {
      throw new AppError('FORBIDDEN', `nobody hands out more than they have: the key in use has a ${name} of ${own}`, {
        path: ['input', name],
      });
    }
    return value ?? own;
  };
  return {
    requestsPerMinute: limitFor('requestsPerMinute'),
    startsPerMinute: limitFor('startsPerMinute'),
    maxGenerations: limitFor('maxGenerations'),
    maxSockets: limitFor('maxSockets'),
    maxSubscriptions: limitFor('maxSubscriptions'),
  };
}

/** Throws FORBIDDEN when a key has less of a limit than the caller: its secret would be worth more than theirs. */
export function requireNoLooser(key: OwnLimits, caller: OwnLimits | null, path: readonly string[]): void {
  for (const name of names) {
    const own = caller?.[name] ?? null;
    if (own !== null && (key[name] ?? Infinity) > own)
      throw new AppError('FORBIDDEN', `nobody hands out more than they have: the key in use has a ${name} of ${own}`, { path });
  }
}
