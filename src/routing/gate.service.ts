import type { Clock } from '../kernel/clock.ts';
import type { StreamWatch } from '../providers/deadlines.ts';
import { nothingUsed, ProviderError } from '../providers/port.ts';
import { verdictOf } from './breaker.ts';
import type { CallOutcome, CallCounter } from './call-metrics.ts';
import type { HealthService, Pass } from './health.service.ts';
import type { LeavePlace, Places } from './places.ts';

/** BREAKER_OPEN: the model failed too often lately. NO_PLACE: the provider has as many calls as it may get. */
export type SkipReason = 'BREAKER_OPEN' | 'NO_PLACE';

/** Thrown in place of a call: `reason` says why none was made. */
export class NotCalled extends ProviderError {
  constructor(
    readonly reason: SkipReason,
    message: string,
    retryAfterMs: number,
  ) {
    super('OVERLOADED', message, { retryable: true, retryAfterMs, usage: nothingUsed });
  }
}

/** A call that is about to be made. */
export interface Entering {
  readonly model: string;
  readonly provider: string;
  /** OURS: with the installation's key. OWN_KEY: with the tenant's key, where everybody calls. ELSEWHERE: with the tenant's key, at the tenant's address. */
  readonly by: 'OURS' | 'OWN_KEY' | 'ELSEWHERE';
  /** Milliseconds until the deadline of its generation. */
  readonly remainingMs: number;
}

interface Parts {
  readonly health: HealthService;
  readonly places: Places;
  readonly calls: CallCounter;
  readonly clock: Clock;
}

/** When to look for a place again. */
const nextPlaceMs = 1_000;
/** A timeout with less time left than this is the generation's, not the model's. */
const noTimeMs = 50;

/**
 * The gate in front of every call to a model: it asks the circuit breakers, takes a place among the calls to the provider, and hears how the call ends. Calls with
 * a tenant's own key say nothing about anybody else: breakers neither count them nor hold them back. Calls to a tenant's own address take no place either.
 */
export class GateService {
  constructor(private readonly parts: Parts) {}

  /** Lets a call in if nothing has to be waited for, else gives null. The watch has to be told when the call ends: its place is taken until then. */
  enterNow(entering: Entering): StreamWatch | null {
    const { health, places } = this.parts;
    const { model, provider, by } = entering;
    if (by === 'ELSEWHERE') return this.ticket(entering, null, null);
    const pass = by === 'OURS' ? health.passOf(model) : null;
    if (by === 'OURS' && !pass) return null;
    const leave = places.takeNow(provider);
    return leave && this.ticket(entering, leave, pass);
  }

  /** Lets a call in, after a wait of at most `waitMs` for its place. Throws NotCalled, at once when its model is blocked, and UNAVAILABLE while the database cannot say whether there is a place. */
  async enter(entering: Entering, waitMs: number, signal: AbortSignal): Promise<StreamWatch> {
    const { health } = this.parts;
    const { model, by } = entering;
    if (by === 'ELSEWHERE') return this.ticket(entering, null, null);
    const blockedMs = by === 'OURS' ? health.blockedMs(model) : 0;
    if (blockedMs > 0) throw this.blocked(entering, blockedMs);
    const leave = await this.place(entering, waitMs, signal);
    if (by === 'OWN_KEY') return this.ticket(entering, leave, null);
    try {
      const admitted = await health.admit(model);
      if ('round' in admitted) return this.ticket(entering, leave, admitted);
      throw this.blocked(entering, admitted.waitMs);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /**
   * Takes a place among the calls to a model's provider. It waits no longer than `waitMs`, nor than is configured. What it gives is to be called once, when
   * the call has ended. Throws NotCalled when there was no place in time, and UNAVAILABLE while the database cannot say.
   */
  async place(
    { provider, model }: Pick<Entering, 'provider' | 'model'>,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<LeavePlace> {
    const leave = await this.parts.places.take(provider, waitMs, signal);
    if (leave) return leave;
    signal.throwIfAborted();
    this.parts.calls.count(provider, model, 'NO_PLACE');
    throw new NotCalled('NO_PLACE', `there are as many calls to ${provider} as are allowed at a time`, nextPlaceMs);
  }

  /** For how many milliseconds calls to this model are certainly not let in; 0 when one may be. */
  blockedMs(model: string): number {
    return this.parts.health.blockedMs(model);
  }

  private blocked({ provider, model }: Entering, waitMs: number): NotCalled {
    this.parts.calls.count(provider, model, 'BREAKER_OPEN');
    const until = this.parts.health.healthOf(model).nextProbeAt?.toISOString() ?? 'a moment';
    return new NotCalled('BREAKER_OPEN', `${model} failed too often lately and is not asked before ${until}`, waitMs);
  }

  private ticket({ provider, model, remainingMs }: Entering, leave: LeavePlace | null, pass: Pass | null): StreamWatch {
    const { health, calls, clock } = this.parts;
    const madeAt = clock.monotonic();
    return {
      first: () => pass && health.began(pass, clock.monotonic() - madeAt),
      ended: (error) => {
        leave?.();
        const isOutOfTime = clock.monotonic() >= madeAt + remainingMs - noTimeMs;
        const outcome: CallOutcome = error === null ? 'OK' : error instanceof ProviderError ? error.code : 'ABANDONED';
        calls.count(provider, model, outcome);
        if (!pass) return;
        if (error === null) health.ended(pass, 'WORKS');
        else if (error instanceof ProviderError) health.ended(pass, verdictOf(error, isOutOfTime));
        else health.ended(pass, 'ABANDONED');
      },
    };
  }
}
