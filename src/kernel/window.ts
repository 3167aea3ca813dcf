/** How long text may wait on its way to a reader, in milliseconds; `width` says how many times as long as in a process with few streams that is. */
export interface Window {
  readonly ms: number;
  readonly width: number;
}

/** Up to so many streams, each gets its text as soon as it may. */
const calm = 16;
/** From the narrowest window to the widest there are so many steps. */
const sizes = 4;
/** From so many on, windows are as wide as they get. */
const crowded = 48;
/**
 * The widest window, in windows. With 100 to 300 streams and a token every 20 ms, one reader in a hundred waits some 62 ms for more: below 100, with room for
 * a server that is late. Wider ones left too little of it, and with narrower ones a token cost a fifth more.
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
    // In few sizes: with each other one come other moments to meet.
    return 1 + (widest - 1) * (Math.floor(share * sizes) / sizes);
  }

  get ms(): number {
    return this.leastMs * this.width;
  }
}

/** Of the window: who waits for one, and for half of what comes between two tokens, waits for two of these. */
const crowdedStep = 0.56;
/** Timers fire a little early. */
const earlyStep = 0.1;
/** Of the window: who waited for so much of it has waited. Two steps are more, by as much as one may be late and the next on time. */
const nearlyAll = 0.88;

/**
 * When to do what should be done `afterMs` after `now`; milliseconds. With many streams there are two moments in a window, on which all of them
 * meet: code and data are still in the processor's caches from one stream to the next. Whoever is late for one, as all but the first are, is not late for the next.
 * With few streams they are multiples of `calmStepMs`; without one it is done after `afterMs` exactly.
 */
export function sharedMoment(now: number, afterMs: number, { ms, width }: Window, calmStepMs = 0): number {
  if (width > 1) {
    const stepMs = ms * crowdedStep;
    return (Math.floor(now / stepMs + earlyStep) + Math.max(1, Math.round(afterMs / stepMs))) * stepMs;
  }
  return calmStepMs === 0 ? now + afterMs : Math.round((now + afterMs) / calmStepMs) * calmStepMs;
}

/** Whether who has waited for so long has waited for the window. */
export function isOver({ ms, width }: Window, waitedMs: number): boolean {
  return waitedMs >= (width > 1 ? ms * nearlyAll : ms);
}
