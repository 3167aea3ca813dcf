/** After this long a first token counts half. */
const halfLifeMs = 60_000;
/** After this long without any, nobody knows how fast a model is. */
const knownMs = 600_000;

/** The average time of first tokens, and how many of them it stands for; both as of `at`. Times are milliseconds. */
export interface Latency {
  readonly ms: number;
  readonly weight: number;
  readonly at: number;
}

/** The average with `count` more, that took `totalMs` together: exponentially weighted, with a half-life of a minute. */
export function averaged(
  latency: Latency | null,
  more: { readonly count: number; readonly totalMs: number },
  now: number,
): Latency | null {
  if (more.count === 0) return latency;
  const weight = latency ? latency.weight * 0.5 ** (Math.max(0, now - latency.at) / halfLifeMs) : 0;
  const total = weight + more.count;
  return { ms: ((latency?.ms ?? 0) * weight + more.totalMs) / total, weight: total, at: now };
}

/** The average in milliseconds; null once it is too old. */
export function knownMsAt(latency: Latency | null, now: number): number | null {
  return latency && now - latency.at < knownMs ? latency.ms : null;
}
