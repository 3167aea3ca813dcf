/** How long text may wait on its way to a reader, in milliseconds; `width` says how many times as long as in a process with few streams that is. */
export interface Window {
  readonly ms: number;
  readonly width: number;
}

/** Up to so many streams, each gets its text as soon as it may. */
const calm = 16;
/** From so many on, windows are as wide as they get. */
const crowded = 48;
/**
 * The widest window, in windows. With 100 and 200 streams and a token every 20 ms, one reader in a hundred waits 80 ms for more: below 100, with room for a
 * server that is late. At 2.5 it was 85 to 126 ms; at 1.6 it was 70, and a token cost a fifth more.
 */
const widest = 2;

/**
 * The delivery window of a process. One that writes many streams at once lets their text wait longer: it pays for fewer reads and frames, and has
 * more of them to do at one moment (`sharedMoment`), which is worth more.
 */
export class DeliveryWindow implements Window {
  constructor(
    private readonly leastMs: number,
    private readonly streams: () => number,
  ) {}

  get width(): number {
    const share = Math.min(1, Math.max(0, (this.streams() - calm) / (crowded - calm)));
    return 1 + (widest - 1) * share;
  }

  get ms(): number {
    return this.leastMs * this.width;
  }
}

/** Of the window: who waits for one, and for half of what comes between two tokens, waits for two of these. */
const crowdedStep = 0.56;
/** Whoever is late by up to as much of a step as is left is not a whole step later. */
const crowdedEarly = 0.3;

/**
 * The moment near `at` at which what is due then is done; milliseconds, as `at`. With many streams there are two in a window, on which all of them
 * meet: code and data are still in the processor's caches from one stream to the next. With few, those are multiples of `calmStepMs`;
 * without one, `at` itself.
 */
export function sharedMoment(at: number, { ms, width }: Window, calmStepMs = 0): number {
  const stepMs = width === 1 ? calmStepMs : ms * crowdedStep;
  if (stepMs === 0) return at;
  return Math.floor(at / stepMs + (width === 1 ? 0.5 : crowdedEarly)) * stepMs;
}
