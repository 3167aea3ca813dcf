import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import {
  admission,
  afterCalls,
  counted,
  noCalls,
  type Admission,
  type Breaker,
  type ProbeEnd,
  type Tally,
  type Verdict,
} from './breaker.ts';
import { HealthNews, type ModelHealth } from './health-news.ts';
import type { Models } from './models.ts';
import { HealthStore, mostModels, type EndedProbe, type Look, type Seen } from './health-store.ts';

/** How often every process tells what it has seen and looks at what the others have. */
const lookMs = 1_000;
/** What all processes look after, and as many that this one has met since its last look. */
const mostKnown = 2 * mostModels;
/** A hint has room for so many names; who gets it looks at all. */
const mostNamed = 20;

/** What a call was let in by: a probe has the round that it ends. */
export interface Pass {
  readonly model: string;
  readonly round: number;
  readonly isProbe: boolean;
}

interface Parts {
  readonly database: Database;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly models: Pick<Models, 'known'>;
  /** How long a breaker stays open before the next probe, in milliseconds; 0 and none ever opens. */
  readonly openMs: number;
}

/** A model as this process knows it. */
interface Known {
  breaker: Breaker;
  latencyMs: number | null;
  seen: { round: number; tally: Tally; count: number; totalMs: number } | null;
  isClaiming: boolean;
}

/** A probe is over well with its first text, and with nothing less. */
const probeEnds = {
  WORKS: 'TEXT',
  FAILED: 'FAILED',
  MUTE: 'FAILED',
  NOTHING: 'NOTHING',
  ABANDONED: 'ABANDONED',
} as const satisfies Record<Verdict | 'ABANDONED', ProbeEnd>;

const untold: Breaker = { state: 'CLOSED', round: 0, since: 0, nextProbeAt: null, failures: 0, recent: {} };

/**
 * Circuit breakers of models, one for all processes on a database. Asking is a look into memory; what calls come to is told once a second, and
 * at once where it opens or closes one, of which the others hear by a hint.
 */
export class HealthService {
  private readonly store: HealthStore;
  private readonly rounds = new Rounds(() => this.round());
  private readonly known = new Map<string, Known>();
  private readonly news = new HealthNews(() => this.all());
  private readonly unsubscribe: (() => void)[] = [];
  private endedProbes: EndedProbe[] = [];
  /** What the database's clock is ahead of the monotonic one. */
  private aheadMs: number;

  constructor(private readonly parts: Parts) {
    this.store = new HealthStore(parts.database.engine, parts.openMs, () => parts.models.known);
    this.aheadMs = parts.clock.now().getTime() - parts.clock.monotonic();
  }

  /** Resolves once it knows what the others know, or that it cannot be known now. */
  async open(): Promise<void> {
    const { bus } = this.parts;
    this.unsubscribe.push(
      bus.on('health.changed', ({ isRemote }) => isRemote && this.rounds.ask()),
      bus.onGap(() => this.rounds.ask()),
    );
    this.rounds.open(lookMs, 'ask');
    await this.rounds.run();
  }

  async close(): Promise<void> {
    for (const stop of this.unsubscribe) stop();
    await this.rounds.close();
    // What the last calls came to.
    await this.rounds.run();
    this.news.wake();
  }

  /** How many milliseconds a call to this model will certainly not be let in; 0 for one that may be. */
  blockedMs(model: string): number {
    const known = this.known.get(model);
    if (!known || known.breaker.state === 'CLOSED') return 0;
    const admitted = admission(known.breaker, this.now());
    if (typeof admitted === 'object') return admitted.waitMs;
    return known.isClaiming ? lookMs : 0;
  }

  /** The pass of a call, when nothing has to be asked for it. */
  passOf(model: string): Pass | null {
    const breaker = this.known.get(model)?.breaker ?? untold;
    return breaker.state === 'CLOSED' ? { model, round: breaker.round, isProbe: false } : null;
  }

  /** The pass of a call, or how long there is none: then another process or call has the probe, or it is too early for one. */
  async admit(model: string): Promise<Pass | Exclude<Admission, string>> {
    const pass = this.passOf(model);
    const known = this.known.get(model);
    if (pass || !known) return pass ?? { model, round: 0, isProbe: false };
    const now = this.now();
    const admitted = admission(known.breaker, now);
    if (typeof admitted === 'object') return admitted;
    if (known.isClaiming) return { waitMs: lookMs };
    known.isClaiming = true;
    try {
      const round = await this.store.claimProbe(model);
      if (round === null) {
        this.rounds.ask();
        return { waitMs: lookMs };
      }
      this.parts.log.info({ model }, 'asking a model that had failed, to see whether it works again');
      known.breaker = { ...known.breaker, state: 'HALF_OPEN', round, since: now, nextProbeAt: now + this.parts.openMs };
      this.changed([model]);
      return { model, round, isProbe: true };
    } catch (err) {
      this.parts.log.warn({ err, model }, 'could not ask for the probe of a model');
      return { waitMs: lookMs };
    } finally {
      known.isClaiming = false;
    }
  }

  /** A call brought its first text, so long after it was made. */
  began(pass: Pass, firstTokenMs: number): void {
    const seen = this.seenOf(pass);
    if (seen) {
      seen.count += 1;
      seen.totalMs += firstTokenMs;
    }
    if (pass.isProbe) this.endProbe(pass, 'TEXT');
  }

  /** A call ended; of a probe, before it brought text. */
  ended(pass: Pass, verdict: Verdict | 'ABANDONED'): void {
    if (pass.isProbe) return this.endProbe(pass, probeEnds[verdict]);
    if (verdict === 'NOTHING' || verdict === 'ABANDONED') return;
    const seen = this.seenOf(pass);
    const known = this.known.get(pass.model);
    // Made before the breaker changed: old news.
    if (!seen || !known || known.breaker.round !== pass.round || known.breaker.state !== 'CLOSED') return;
    seen.tally = counted(seen.tally, verdict);
    if (verdict === 'WORKS') return;
    const after = this.withSeen(known.breaker, seen);
    if (after.state === 'CLOSED') return;
    // Holds here at once; the round makes it hold elsewhere, or finds that others have seen otherwise.
    known.breaker = after;
    this.rounds.ask();
  }

  /** When a model that is not asked now may be asked again; null for one that may be now. */
  blockedUntil(model: string): Date | null {
    return this.blockedMs(model) > 0 ? this.healthOf(model).nextProbeAt : null;
  }

  latencyMs(model: string): number | null {
    return this.known.get(model)?.latencyMs ?? null;
  }

  /** All models that were told of and may be shown. */
  list(scope: Scope): ModelHealth[] {
    scope.require('providers:read');
    // A name that nobody listed may be a tenant's own: only who runs the installation sees those.
    if (scope.can('tenants:create')) return this.all();
    const listed = new Set(this.parts.models.known);
    return this.all().filter(({ model }) => listed.has(model));
  }

  /** All models, then those whose health changed, until `signal` aborts. What changes faster than it is read is left out. */
  follow(scope: Scope, signal: AbortSignal): AsyncIterable<readonly ModelHealth[]> {
    scope.require('providers:read');
    return this.news.follow(() => this.list(scope), signal);
  }

  /** For metrics. */
  all(): ModelHealth[] {
    return [...this.known.keys()].map((model) => this.healthOf(model));
  }

  /** That of a model that was never told of is closed. */
  healthOf(model: string): ModelHealth {
    const { breaker, latencyMs } = this.known.get(model) ?? { breaker: untold, latencyMs: null };
    const { state, since, failures, nextProbeAt } = breaker;
    return {
      model,
      state,
      since: breaker === untold ? null : new Date(since),
      failures,
      latencyMs,
      nextProbeAt: nextProbeAt === null ? null : new Date(nextProbeAt),
    };
  }

  private changed(models: readonly string[]): void {
    this.parts.bus.publish('health.changed', models.slice(0, mostNamed));
    this.news.wake();
  }

  private endProbe({ model, round }: Pass, end: ProbeEnd): void {
    this.endedProbes.push({ model, round, end });
    this.rounds.ask();
  }

  private seenOf({ model, round }: Pass): NonNullable<Known['seen']> | null {
    let known = this.known.get(model);
    if (!known) {
      // Names that nobody listed can be asked of some vendors: beyond so many, in a second, they are not watched over.
      if (this.known.size >= mostKnown && !this.parts.models.known.includes(model)) return null;
      known = { breaker: untold, latencyMs: null, seen: null, isClaiming: false };
      this.known.set(model, known);
    }
    if (known.seen && known.seen.round !== round && known.breaker.round === round)
      known.seen = { ...known.seen, round, tally: noCalls };
    known.seen ??= { round, tally: noCalls, count: 0, totalMs: 0 };
    return known.seen;
  }

  private async round(): Promise<void> {
    const seen = this.takeSeen();
    const probes = this.endedProbes;
    this.endedProbes = [];
    try {
      if (seen.length > 0 || probes.length > 0) this.told(await this.store.tell(seen, probes));
    } catch (err) {
      // What was counted is lost: counting it twice would be worse. A probe's end counts once however often it is told.
      this.endedProbes = [...probes, ...this.endedProbes].slice(0, mostModels);
      this.parts.log.warn({ err }, 'could not tell how models do');
    }
    try {
      this.take(await this.store.look());
    } catch (err) {
      this.parts.log.warn({ err }, 'could not look how models do');
    }
  }

  private told(models: readonly string[]): void {
    if (models.length > 0) this.parts.log.warn({ models }, 'circuit breakers changed');
    this.changed(models);
  }

  private takeSeen(): Seen[] {
    const taken: Seen[] = [];
    for (const [model, known] of this.known) {
      if (!known.seen) continue;
      const { round, tally, count, totalMs } = known.seen;
      taken.push({ model, round, tally, firstTokens: { count, totalMs } });
      known.seen = null;
    }
    return taken;
  }

  private take({ now, models }: Look): void {
    if (models.length > 0) this.aheadMs = now - this.parts.clock.monotonic();
    const found = new Set(models.map(({ model }) => model));
    for (const [model, known] of this.known) if (!found.has(model) && !known.seen) this.known.delete(model);
    for (const { model, breaker, latencyMs } of models) {
      const known = this.known.get(model);
      // What came since the look was asked for counts on top of it.
      if (known) Object.assign(known, { breaker: known.seen ? this.withSeen(breaker, known.seen) : breaker, latencyMs });
      else this.known.set(model, { breaker, latencyMs, seen: null, isClaiming: false });
    }
    this.news.wakeIfOther();
  }

  private withSeen(breaker: Breaker, seen: NonNullable<Known['seen']>): Breaker {
    return afterCalls(breaker, seen, this.now(), this.parts.openMs);
  }

  /** On the database's clock. */
  private now(): number {
    return this.parts.clock.monotonic() + this.aheadMs;
  }
}
