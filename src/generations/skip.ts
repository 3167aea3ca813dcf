import type { SkipReason } from '../routing/gate.service.ts';

/** A model that was to write and was not asked. */
export interface Skip {
  readonly model: string;
  readonly reason: SkipReason;
  /** When, in ISO 8601. */
  readonly at: string;
}

/** A model without a place may be come back to many times. */
const mostSkips = 20;

/** With one more, the oldest first; only the latest stay. */
export function withSkip(skipped: readonly Skip[], skip: Skip): readonly Skip[] {
  return [...skipped, skip].slice(-mostSkips);
}
