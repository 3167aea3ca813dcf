import { createHash } from 'node:crypto';
import { AppError } from '../kernel/errors.ts';

/** A member's claim that a call is the same as any other with this key and input. */
export interface IdempotencyClaim {
  /** The mutation's name. */
  readonly operation: string;
  /** Base64url SHA-256 of the key: what is stored of it. */
  readonly key: string;
  /** The key as the caller sent it; half of what opens a sealed answer, so it is stored nowhere. */
  readonly shownKey: string;
  /** Hex SHA-256 of the coerced input without the key. */
  readonly inputHash: string;
}

/** Claims live this long. */
export const claimHours = 24;
const longestKey = 255;

/** The claim of an input that has an `idempotencyKey`; null when it has none. Throws INVALID_INPUT for a key that is empty or too long. */
export function claimOf(operation: string, input: { readonly idempotencyKey?: string | null }): IdempotencyClaim | null {
  const { idempotencyKey: key, ...rest } = input;
  if (key == null) return null;
  if (key.length < 1 || key.length > longestKey) {
    throw new AppError('INVALID_INPUT', `an idempotency key has 1 to ${longestKey} characters, not ${key.length}`, {
      path: ['input', 'idempotencyKey'],
    });
  }
  return {
    operation,
    key: createHash('sha256').update(key).digest('base64url'),
    shownKey: key,
    inputHash: createHash('sha256').update(canonical(rest)).digest('hex'),
  };
}

/** Throws CONFLICT when a claim's key already stands for another input. */
export function checkSameInput(claim: IdempotencyClaim | null, inputHash: string | null): void {
  if (inputHash !== claim?.inputHash) throw contradiction('this idempotency key was used with another input');
}

/** CONFLICT at the idempotency key. */
export function contradiction(message: string): AppError {
  return new AppError('CONFLICT', message, { path: ['input', 'idempotencyKey'] });
}

/** JSON with sorted names, absent and null alike, so that the same input has the same hash whatever its order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Date || Array.isArray(part) || typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(
      Object.entries(part)
        .filter(([, each]) => each != null)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}
