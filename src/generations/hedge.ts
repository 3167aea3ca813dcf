import { ProviderError } from '../providers/port.ts';
import type { Caller } from './call.ts';
import type { Closer } from './closer.ts';
import { brokenPromise, cutShort } from './ending.ts';
import type { EngineParts } from './engine-parts.ts';
import type { OpenedCall, Run } from './run.ts';
import { isDoneWithin } from './within.ts';

/** A call whose first part is asked for. */
type Racer = OpenedCall & { readonly first: NonNullable<OpenedCall['first']> };

/** What a racer came to: null for text, else why it has none. */
interface Arrival {
  readonly racer: Racer;
  readonly error: ProviderError | null;
}

/**
 * Asks a second model when the first token of a call is later than the plan's patience. The first text wins and the other call is ended at
 * once; both are on record as attempts of their own, the one that lost before the one that goes on.
 */
export class Hedge {
  constructor(
    private readonly parts: EngineParts,
    private readonly caller: Caller,
    private readonly closer: Closer,
  ) {}

  /** The call to read. Tells `onFailed` of one that failed while the other went on; the last one's failure is found by who reads it. */
  async first(run: Run, opened: OpenedCall, onFailed: (model: string, error: ProviderError) => void): Promise<OpenedCall> {
    const { hedgeAfterMs } = run.work.plan;
    if (hedgeAfterMs === null) return opened;
    const own = asked(opened);
    const took = this.timer(run, own);
    const model = this.rivalOf(run);
    if (model === null) return own;
    if (await isDoneWithin(hedgeAfterMs - (this.parts.clock.monotonic() - own.at), settled(own.first))) return own;
    const second = this.second(run, model);
    if (await isBefore(second, own)) {
      run.givingBack = this.giveBack(run, second);
      return own;
    }
    const call = await second;
    if (!call) return own;
    const rival = asked(call);
    this.parts.log.info(
      { generationId: run.id, attempt: run.attempt.number, model: own.model, rival: model },
      'asked a second model',
    );

    const { racer, error } = await Promise.race([arrivalOf(own), arrivalOf(rival)]);
    const other = racer === own ? rival : own;
    const [ahead, behind] = error === null ? [racer, other] : [other, racer];
    // How long it would have been nobody will know: at least so long.
    if (behind === own && error === null) took();
    void behind.parts.return?.();
    if (run.stopReason !== null) {
      void ahead.parts.return?.();
      // Both were called: both are on record.
      if (run.stopReason === 'CANCELLED') await this.closer.outrun(run, { ahead: own, behind: rival, error: null });
      throw new Error('the run was stopped while two models were asked');
    }
    if (error) onFailed(behind.model, error);
    if (await this.closer.outrun(run, { ahead, behind, error })) return ahead;
    void ahead.parts.return?.();
    throw new Error('the run was lost while two models were asked');
  }

  /** Has the route know how long the call takes to its first text. What it gives is for who ends it before: a route that only knew of calls that were in time would find ever more of them late. */
  private timer({ tenantId, work: { plan } }: Run, { at, first }: Racer): () => void {
    let isTold = false;
    const took = (): void => {
      if (plan.route && !isTold) this.parts.routeTimes.took(tenantId, plan.route, this.parts.clock.monotonic() - at);
      isTold = true;
    };
    first.then(
      ({ value }) => value?.type === 'text' && took(),
      (error: unknown) => error instanceof ProviderError && error.code === 'TIMEOUT' && took(),
    );
    return took;
  }

  /** The next model of the plan that was not asked yet and can write from here; null when there is none. */
  private rivalOf(run: Run): string | null {
    const { work, attempts, attempt } = run;
    const isAsked = new Set(attempts.map(({ model }) => model));
    const fits = (model: string): boolean =>
      attempt.base === 0 || this.parts.models.find(model)?.provider.ignoresMessages !== true;
    return (
      work.plan.models.find((model) => !isAsked.has(model) && fits(model) && this.caller.blockedMs(run, model) === 0) ?? null
    );
  }

  /** A second call that is paid for, and not sent yet; null where there is none. */
  private async second(run: Run, model: string): Promise<OpenedCall | null> {
    if (!(await this.closer.coverSecondCall(run, model))) return null;
    try {
      // The first call's text must not wait for a place of the second.
      return await this.caller.open(run, model, false);
    } catch (err) {
      await this.closer.returnSecondCall(run);
      // The first call may still do; when it does not, this model is asked in its turn and its failure told.
      if (err instanceof ProviderError || run.stopReason !== null) return null;
      throw err;
    }
  }

  /** Ends a second call that is not needed any more, as soon as there is one. */
  private async giveBack(run: Run, second: Promise<OpenedCall | null>): Promise<void> {
    try {
      const call = await second;
      if (!call) return;
      void call.parts.return?.();
      await this.closer.returnSecondCall(run);
    } catch (err) {
      this.parts.log.warn({ err, generationId: run.id }, 'a second call was not needed, and could not be made either');
    }
  }
}

/** Whether the first call has text before there is a second one: text that is there waits for no database. */
async function isBefore(second: Promise<unknown>, own: Racer): Promise<boolean> {
  const hasText = arrivalOf(own).then(({ error }) => (error ? second.then(() => false) : true));
  return Promise.race([hasText, second.then(() => false)]);
}

function asked(call: OpenedCall): Racer {
  const first = call.first ?? call.parts.next();
  // Whoever reads it hears of its failure; the call that loses has no reader.
  first.catch(() => undefined);
  return { ...call, first };
}

async function arrivalOf(racer: Racer): Promise<Arrival> {
  try {
    const { done } = await racer.first;
    return { racer, error: done ? cutShort() : null };
  } catch (error) {
    return { racer, error: error instanceof ProviderError ? error : brokenPromise(error) };
  }
}

/** Resolves when it is known how a promise ends. */
async function settled(promise: Promise<unknown>): Promise<void> {
  await Promise.allSettled([promise]);
}
