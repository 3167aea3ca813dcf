import type { Clock } from '../kernel/clock.ts';
import type { StreamWatch } from '../providers/deadlines.ts';
import { nothingUsed, ProviderError } from '../providers/port.ts';
import { verdictOf } from './breaker.ts';
import type { CallOutcome, CallCounter } from './call-metrics.ts';
import type { HealthService, Pass } from './health.service.ts';
import type { Places } from './places.ts';

/** Why nobody was asked: the model failed too often lately, or this process makes as many calls to the provider as it may. */
export class NotCalled extends ProviderError {
  constructor(message: string, retryAfterMs: number) {
    super('OVERLOADED', message, { retryable: true, retryAfterMs, usage: nothingUsed });
  }
}

/** A call that is about to be made. */
export interface Entering {
  readonly model: string;
  readonly provider: string;
  /** With the key of a tenant, not with the installation's. */
  readonly isOwnKey: boolean;
  /** How much time its generation has left. */
  readonly remainingMs: number;
  /** Whether a place is waited for. */
  readonly isPatient: boolean;
}

interface Parts {
  readonly health: HealthService;
  readonly places: Places;
  readonly calls: CallCounter;
  readonly clock: Clock;
}

/** After so long there may be a place again. */
const nextPlaceMs = 1_000;
/** A timeout with less time left than this is the generation's, not the model's. */
const noTimeMs = 50;

/** Lets calls to models in, and learns what they come to: circuit breakers, and how many calls there are at a time. */
export class GateService {
  constructor(private readonly parts: Parts) {}

  /** Lets a call in for which there is nothing to wait; null for any other. The ticket is its watch, and has to hear of its end. */
  enterNow(entering: Entering): StreamWatch | null {
    const pass = this.parts.health.passOf(entering.model);
    return pass && this.parts.places.takeNow(entering.provider) ? this.ticket(entering, pass) : null;
  }

  /** Lets a call in, after a wait for its place; throws NotCalled at once when its model is shut. */
  async enter(entering: Entering, signal: AbortSignal): Promise<StreamWatch> {
    const { health, places, calls } = this.parts;
    const { model, provider, remainingMs, isPatient } = entering;
    const shutMs = health.shutMs(model);
    if (shutMs > 0) throw this.shut(entering, shutMs);
    if (!(await places.take(provider, isPatient ? remainingMs : 0, signal))) {
      signal.throwIfAborted();
      calls.count(provider, model, 'NO_PLACE');
      throw new NotCalled(`there are as many calls to ${provider} as are allowed at a time`, nextPlaceMs);
    }
    const admitted = await health.admit(model);
    if ('round' in admitted) return this.ticket(entering, admitted);
    places.leave(provider);
    throw this.shut(entering, admitted.waitMs);
  }

  /** How long a call to this model will certainly not be let in; 0 for one that may be. */
  shutMs(model: string): number {
    return this.parts.health.shutMs(model);
  }

  private shut({ provider, model }: Entering, waitMs: number): NotCalled {
    this.parts.calls.count(provider, model, 'BREAKER_OPEN');
    const until = this.parts.health.healthOf(model).nextProbeAt?.toISOString() ?? 'a moment';
    return new NotCalled(`${model} failed too often lately and is not asked before ${until}`, waitMs);
  }

  private ticket({ provider, model, isOwnKey, remainingMs }: Entering, pass: Pass): StreamWatch {
    const { health, places, calls, clock } = this.parts;
    const madeAt = clock.monotonic();
    return {
      first: () => health.began(pass, clock.monotonic() - madeAt),
      ended: (error) => {
        places.leave(provider);
        const isOutOfTime = clock.monotonic() >= madeAt + remainingMs - noTimeMs;
        const outcome: CallOutcome = error === null ? 'OK' : error instanceof ProviderError ? error.code : 'ABANDONED';
        calls.count(provider, model, outcome);
        if (error === null) health.ended(pass, 'WORKS');
        else if (error instanceof ProviderError) health.ended(pass, verdictOf(error.code, { isOwnKey, isOutOfTime }));
        else health.ended(pass, 'ABANDONED');
      },
    };
  }
}
