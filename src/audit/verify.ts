import type { Statements } from '../db/connection.ts';
import type { Clock } from '../kernel/clock.ts';
import { beginning, linked, type Head, type HeadSeal } from './chain.ts';
import { readChain, readStanding, sealableOf, type SealedEntry, type Standing } from './read.ts';

/** What is wrong with a chain. */
export const breaks = {
  ENTRY_CHANGED: 'The entry at this position, or its place, is not what was sealed.',
  ENTRY_MISSING: 'There is no entry at this position, and there was.',
  ENTRY_ADDED: 'The entry at this position was put there by somebody else.',
  HEAD_CHANGED: 'What says how far the chain goes was not written by us: its end may have been cut off or replaced.',
} as const;
export type Break = keyof typeof breaks;

/** The first thing that is wrong, and where. */
export interface Broken {
  readonly position: number;
  readonly reason: Break;
}

/** What a verification found. */
export interface Verification {
  readonly verifiedFrom: number;
  /** The last position that was looked at and is right; one below `verifiedFrom` when none is. */
  readonly verifiedTo: number;
  /** Whether it came to the end that was asked for; if not, go on behind `verifiedTo`. */
  readonly isComplete: boolean;
  readonly broken: Broken | null;
  readonly standing: Standing;
}

/** Which stretch to verify, and how long it may take. */
export interface Stretch {
  readonly from: number;
  /** The head when null. */
  readonly to: number | null;
}

const pageSize = 500;
const mostEntries = 20_000;
const deadlineMs = 4_000;

/** Recomputes a stretch of a tenant's chain from what is stored, at most 20,000 entries or 4 s of it. */
export async function verifyChain(
  tenant: Statements,
  tenantId: string,
  { from, to: wanted }: Stretch,
  { seal, clock }: { readonly seal: HeadSeal; readonly clock: Clock },
): Promise<Verification> {
  const standing = await readStanding(tenant, tenantId);
  const end = Math.max(standing.head?.position ?? 0, standing.last);
  const to = Math.min(wanted ?? end, end);
  const until = clock.monotonic() + deadlineMs;
  const start = await headBefore(tenant, tenantId, from);
  if (!start) {
    const broken = { position: from - 1, reason: 'ENTRY_MISSING' } as const;
    return { verifiedFrom: from, verifiedTo: from - 1, isComplete: false, broken, standing };
  }
  let at = start;
  let broken: Broken | null = null;
  while (at.position < to && !broken && at.position - start.position < mostEntries && clock.monotonic() < until) {
    const page = await readChain(tenant, tenantId, { after: at.position, to, limit: pageSize });
    ({ at, broken } = walked(at, page, Math.min(to, at.position + pageSize)));
  }
  // The head, if it is ours, says that nothing was sealed there.
  if (broken && standing.head && broken.position > standing.head.position) broken = { ...broken, reason: 'ENTRY_ADDED' };
  const isComplete = !broken && at.position >= to;
  if (isComplete && to === end) broken = headBroken(tenantId, standing, at, seal);
  return { verifiedFrom: from, verifiedTo: at.position, isComplete, broken, standing };
}

/** Goes along entries as they are stored, in order of position, to `to` where they should come to: how far they are right. */
export function walked(start: Head, entries: readonly SealedEntry[], to: number): { at: Head; broken: Broken | null } {
  let at = start;
  for (const entry of entries) {
    const next = linked(at, sealableOf(entry));
    if (entry.position > next.position) return { at, broken: { position: next.position, reason: 'ENTRY_MISSING' } };
    if (entry.position < next.position) return { at, broken: { position: entry.position, reason: 'ENTRY_ADDED' } };
    if (entry.hash !== next.hash) return { at, broken: { position: next.position, reason: 'ENTRY_CHANGED' } };
    at = next;
  }
  return { at, broken: at.position < to ? { position: at.position + 1, reason: 'ENTRY_MISSING' } : null };
}

/** Whether the chain that was walked to its end is the one that the head speaks of, and the head is ours. */
function headBroken(tenantId: string, { head, last }: Standing, at: Head, seal: HeadSeal): Broken | null {
  if (!head) return last === 0 ? null : { position: last, reason: 'HEAD_CHANGED' };
  if (last > head.position) return { position: head.position + 1, reason: 'ENTRY_ADDED' };
  if (head.doubtedAt !== null) return { position: head.doubtedAt, reason: 'HEAD_CHANGED' };
  const isOurs = seal.fits(tenantId, head) && head.hash === at.hash && head.position === at.position;
  return isOurs ? null : { position: head.position, reason: 'HEAD_CHANGED' };
}

/** The link that a stretch begins behind; null when it is not there. */
async function headBefore(tenant: Statements, tenantId: string, from: number): Promise<Head | null> {
  if (from <= 1) return beginning;
  const [before] = await readChain(tenant, tenantId, { after: from - 2, to: from - 1, limit: 1 });
  return before ?? null;
}
