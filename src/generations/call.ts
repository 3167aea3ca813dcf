import { setTimeout as pause } from 'node:timers/promises';
import { maskedBy } from '../guards/guards.ts';
import { isAway } from '../kernel/errors.ts';
import { withDeadlines, type StreamWatch } from '../providers/deadlines.ts';
import { nothingUsed, ProviderError, type Provider, type ProviderHttp, type TextRequest } from '../providers/port.ts';
import type { Entering } from '../routing/gate.service.ts';
import { noSuchModel } from '../routing/models.ts';
import type { OwnAccess } from '../vault/provider-key.service.ts';
import type { EngineConfig, EngineParts } from './engine-parts.ts';
import { promptOf } from './prompt.ts';
import type { OpenedCall, Run } from './run.ts';
import { tokensLeft } from './tokens-left.ts';

interface Choice {
  readonly provider: Provider;
  /** The provider's own name of the model. */
  readonly name: string;
}

/** What a call is made with. */
interface Means {
  readonly own: OwnAccess | null;
  readonly watch: StreamWatch;
  readonly fetch: typeof globalThis.fetch;
}

/** Makes the calls of runs, as the gate lets them in: with the tenant's own key where it has one, and with the deadlines. */
export class Caller {
  constructor(
    private readonly config: EngineConfig,
    private readonly parts: EngineParts,
  ) {}

  /** Makes a run's first call, all but its sending, which waits for `granted`: what it costs to make hides behind the database's work. */
  begin(run: Run, granted: Promise<void>): void {
    const choice = this.parts.models.find(run.attempt.model);
    if (!choice) return;
    const own = this.parts.keys.known(run.tenantId, choice.provider);
    // Not known without a look: the attempt waits for it, and makes the call then.
    if (own === undefined) return;
    const watch = this.parts.gate.enterNow(this.entering(run, run.attempt.model, own));
    // Nor is there a place at once, or the model has to be asked whether it works again.
    if (!watch) return;
    run.opened = begun(this.call(run, choice, { own, watch, fetch: this.httpOf(own).fetchAfter(granted) }));
  }

  /**
   * A call to `model`, that of the open attempt when absent: the one that was begun, else a new one. Fails as a provider's stream does, and with NotCalled when its
   * model is blocked or has no place. Without `isPatient` it does not wait for a place.
   */
  async open(run: Run, model = run.attempt.model, isPatient = true): Promise<OpenedCall> {
    const { opened } = run;
    if (opened?.model === model) {
      run.opened = null;
      return opened;
    }
    const choice = this.parts.models.find(model);
    if (!choice) throw noSuchModel(model);
    const { keys, gate } = this.parts;
    const own = await this.whenBack(run, () => keys.find(run.tenantId, choice.provider));
    const watch = await this.whenBack(run, () =>
      gate.enter(this.entering(run, model, own), isPatient ? this.remainingMs(run) : 0, run.signal),
    );
    return this.call(run, choice, { own, watch, fetch: this.httpOf(own).fetch });
  }

  /** For how many milliseconds calls to this model are certainly not let in; 0 when one may be, as with a tenant's own key. */
  blockedMs({ tenantId }: Run, model: string): number {
    const choice = this.parts.models.find(model);
    return choice && this.parts.keys.known(tenantId, choice.provider) ? 0 : this.parts.gate.blockedMs(model);
  }

  /** Until the total deadline, which is the same whether the first call was made before the commit or after it. */
  remainingMs({ leasedAt, work }: Run): number {
    return leasedAt + this.config.totalTimeoutMs - work.ageMs - this.parts.clock.monotonic();
  }

  /** Asks what a call needs to know. A database that is away is waited for, as long as there is time for the call. */
  private async whenBack<T>(run: Run, ask: () => Promise<T>): Promise<T> {
    for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 1_000)) {
      try {
        return await ask();
      } catch (err) {
        run.signal.throwIfAborted();
        if (!isAway(err)) throw err;
        if (this.remainingMs(run) <= delayMs) throw outOfTime(err);
        this.parts.log.warn(
          { err, generationId: run.id },
          'the database did not say with what and when a call may be made; trying again',
        );
        await pause(delayMs, undefined, { signal: run.signal });
      }
    }
  }

  private httpOf(own: OwnAccess | null): ProviderHttp {
    return own?.elsewhere?.http ?? this.parts.http;
  }

  private entering(run: Run, model: string, own: OwnAccess | null): Entering {
    const provider = model.slice(0, model.indexOf('/'));
    const by = own === null ? 'OURS' : own.elsewhere === null ? 'OWN_KEY' : 'ELSEWHERE';
    return { model, provider, by, remainingMs: this.remainingMs(run) };
  }

  private call(run: Run, { provider: usual, name: model }: Choice, { own, watch, fetch }: Means): OpenedCall {
    const { provider, apiKey } = { provider: own?.elsewhere?.provider ?? usual, apiKey: own?.apiKey ?? null };
    const { draft, temperature, outputSchema } = run.work;
    const { base } = run.attempt;
    const wanted = base > 0 ? Math.max(1, tokensLeft(run.work.maxOutputTokens, run.text)) : run.work.maxOutputTokens;
    // Vendors refuse a request for more than the model can write. What a tenant has under this name elsewhere is another model.
    const most = own?.elsewhere ? null : this.parts.models.mostOutputTokens(`${usual.id}/${model}`);
    const maxOutputTokens = Math.min(wanted, most ?? wanted);
    const { messages, restorer } = this.prompt(run, provider);
    const { clock } = this.parts;
    const parts = withDeadlines(
      (signal) =>
        provider.stream({ model, messages, draft, maxOutputTokens, temperature, outputSchema }, { signal, fetch, apiKey }),
      {
        firstTokenMs: this.config.firstTokenTimeoutMs,
        idleMs: this.config.idleTimeoutMs,
        totalMs: Math.max(0, this.remainingMs(run)),
        clock,
        signal: run.signal,
        watch,
      },
    );
    return { model: `${provider.id}/${model}`, at: clock.monotonic(), parts, first: null, restorer };
  }

  /** What a provider is asked: with what is to be made better, and behind what is written. Whatever is to be masked does not leave. */
  private prompt(run: Run, provider: Provider): Pick<OpenedCall, 'restorer'> & Pick<TextRequest, 'messages'> {
    const { guards, variables } = run.work;
    const messages = promptOf(run.work.messages, run.complaint, run.attempt.base > 0 ? run.text : '');
    // A provider of our own sends nothing anywhere.
    const masked = provider.ignoresMessages ? null : maskedBy(guards, messages, variables);
    return masked
      ? { messages: masked.messages, restorer: masked.restorer(run.work.outputSchema !== null) }
      : { messages, restorer: null };
  }
}

function outOfTime(cause: unknown): ProviderError {
  return new ProviderError('TIMEOUT', 'the time ran out before a provider was called', {
    retryable: true,
    usage: nothingUsed,
    cause,
  });
}

/** A stream whose first part is already asked for. */
function begun(call: OpenedCall): OpenedCall {
  const first = call.parts.next();
  // Whoever reads it hears of its failure; a run that is never started has no reader.
  first.catch(() => undefined);
  return { ...call, first };
}
