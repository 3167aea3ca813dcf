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

/** How often every process tells the database what it has seen, and reads what the others have. */
const lookMs = 1_000;
/** How many models are kept in memory: all that have a breaker, and as many again that were met since the last look. */
const mostKnown = 2 * mostModels;
/** A hint names no more models than this; whoever hears it reads all of them anyway. */
const mostNamed = 20;

/** What lets one call in. `round` is the breaker's: what a call comes to in a later one counts for nothing. */
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

/** How a probe ended, by how its call did: only text closes the breaker. */
const probeEnds = {
  WORKS: 'TEXT',
  FAILED: 'FAILED',
  MUTE: 'FAILED',
  NOTHING: 'NOTHING',
  ABANDONED: 'ABANDONED',
} as const satisfies Record<Verdict | 'ABANDONED', ProbeEnd>;

const untold: Breaker = { state: 'CLOSED', round: 0, since: 0, nextProbeAt: null, failures: 0, recent: {} };

/**
 * The circuit breakers: one for each model, shared by all processes on a database. Asking one is a look into memory. What calls come to is told to the
 * database once a second, and at once when it opens or closes a breaker; the other processes hear of that by a hint.
 */
export class HealthService {
  private readonly store: HealthStore;
  private readonly rounds = new Rounds(() => this.round());
  private readonly known = new Map<string, Known>();
  private readonly news = new HealthNews(() => this.all());
  private readonly unsubscribe: (() => void)[] = [];
  private endedProbes: EndedProbe[] = [];
  /** How many milliseconds the database's clock is ahead of the monotonic one. */
  private aheadMs: number;

  constructor(private readonly parts: Parts) {
    this.store = new HealthStore(parts.database.engine, parts.openMs, () => parts.models.known);
    this.aheadMs = parts.clock.now().getTime() - parts.clock.monotonic();
  }

  /** Resolves when the breakers have been read, or could not be: then every model may be called until they are. */
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
    // The last round tells what the last calls came to.
    await this.rounds.run();
    this.news.wake();
  }

  /** For how many milliseconds calls to this model are certainly not let in; 0 when one may be. */
  blockedMs(model: string): number {
    const known = this.known.get(model);
    if (!known || known.breaker.state === 'CLOSED') return 0;
    const admitted = admission(known.breaker, this.now());
    if (typeof admitted === 'object') return admitted.waitMs;
    return known.isClaiming ? lookMs : 0;
  }

  /** The pass of a call to a model whose breaker is closed; null for any other model. */
  passOf(model: string): Pass | null {
    const breaker = this.known.get(model)?.breaker ?? untold;
    return breaker.state === 'CLOSED' ? { model, round: breaker.round, isProbe: false } : null;
  }

  /** The pass of a call. Where the breaker is not closed it is a probe, or a time to wait: it is too early for one, or another call has it. */
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

  /** A call ended. Of a probe this counts only if it brought no text: `began` has told of that already. */
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
    // Holds here at once. The round makes it hold elsewhere, or finds that the others have seen something else.
    known.breaker = after;
    this.rounds.ask();
  }

  /** When a model that is blocked may be called again; null for one that may be called now. */
  blockedUntil(model: string): Date | null {
    return this.blockedMs(model) > 0 ? this.healthOf(model).nextProbeAt : null;
  }

  latencyMs(model: string): number | null {
    return this.known.get(model)?.latencyMs ?? null;
  }

  /** All models that have a breaker and may be shown to this caller. */
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

  /** All models that have a breaker, for metrics. */
  all(): ModelHealth[] {
    return [...this.known.keys()].map((model) => this.healthOf(model));
  }

  /** A model of which nothing is known counts as closed. */
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
      // Some vendors take any name. Beyond so many names outside the catalogue in a second, the rest have no breaker.
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
