import { uuidOf } from '../db/ids.ts';
import type { Scope } from '../kernel/scope.ts';
import type { CallerLimits } from './policy.ts';
import { countable, keyOfAsk, type Ask, type Kind } from './take.ts';

/** What a caller asks for; the tenant's own bucket is counted along with its requests. */
export type CallerKind = Exclude<Kind, 'tenant'>;

/** The buckets that one caller's request or start is counted in: all callers with the same name wait together. */
export interface Wish extends Omit<Ask, 'count'> {
  /** As `keyOfAsk` says it. */
  readonly name: string;
}

/** What a caller's request or start is counted in; null where no limit applies to it. */
export function wishOf({ memberId, keyId }: Scope, kind: CallerKind, { tenant, cost, key: ofKey }: CallerLimits): Wish | null {
  const [own, whole] = kind === 'starts' ? [tenant.starts, 0] : [tenant.member, tenant.tenant + cost.maximum];
  const keyMost = ofKey?.[kind] ?? 0;
  if (own === 0 && whole === 0 && keyMost === 0) return null;
  const key = keyId !== null && keyMost > 0 ? { subject: uuidOf(keyId, 'key'), most: keyMost } : null;
  const ask = { subject: uuidOf(memberId, 'mem'), kind, most: countable(own), key };
  return { ...ask, name: keyOfAsk(ask) };
}
