import { planOf, type RoutePlan } from '../routing/plan.ts';
import { Appender } from './appender.ts';
import type { EngineConfig, EngineParts } from './engine-parts.ts';
import { readStories } from './snapshot.ts';
import { closeAbandoned } from './finish.ts';
import { claim, claimClosings, releaseLeases, renewLeases, type Claim } from './lease.ts';
import { Run, type Work } from './run.ts';
import type { Story } from './story.ts';
import { isDoneWithin } from './within.ts';
import { Writer } from './writer.ts';

/** How often every process looks for generations that nobody writes. */
const sweepMs = 1_000;
/** How often a run without news is asked whether it is to be cancelled. */
const pollMs = 500;

/** How long a stopping process may take to store and give away what is left: it has no time to wait for a database that is away. */
const giveAwayMs = 5_000;

/** Writes generations: those started here and those it takes over. Runs in every process and every role. */
export class Engine {
  private readonly runs = new Map<string, Run>();
  /** Those that copy: they call nobody, and take no room from those that do. One may wait for a source that waits for room. */
  private readonly copies = new Set<Run>();
  private readonly writing = new Set<Promise<void>>();
  private readonly appender: Appender;
  private readonly writer: Writer;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly unsubscribe: (() => void)[] = [];
  private reserved = 0;
  private sweeping: Promise<void> | null = null;
  private polling: Promise<void> | null = null;
  private renewing: Promise<void> | null = null;
  private isSweepAsked = false;
  private isDraining = false;
  private hasGivenAway = false;
  private draining: Promise<void> | null = null;

  constructor(
    private readonly config: EngineConfig,
    private readonly parts: EngineParts,
  ) {
    this.appender = new Appender(parts, parts.window);
    this.writer = new Writer(config, parts, this.appender, (run) => this.copies.delete(run));
  }

  /** Begins to renew, poll and sweep. */
  open(): void {
    const { bus } = this.parts;
    const every = (ms: number, work: () => void) => this.timers.push(setInterval(work, ms));
    every(this.config.leaseMs / 3, () => void this.renew());
    every(pollMs / 2, () => void this.poll());
    every(sweepMs, () => void this.sweep());
    this.unsubscribe.push(
      bus.on('generation.cancelRequested', ({ ids }) => this.each(ids, (run) => run.stop('CANCELLED'))),
      bus.on('generation.watched', ({ ids, isRemote }) => {
        if (isRemote) this.each(ids, (run) => (run.isWatchedElsewhere = true));
      }),
      bus.on('generation.waiting', () => void this.sweep()),
    );
  }

  get runningCount(): number {
    return this.runs.size;
  }

  /** The run of a generation that this process is writing. */
  findRun(id: string): Run | undefined {
    return this.runs.get(id);
  }

  /** Keeps room for one more run until `start` or `unreserve`; false when the process is full. It has room for as many copies as for others. */
  reserve(isCopy = false): boolean {
    const room = isCopy ? this.config.maxRunning - this.copies.size - this.reserved : this.room;
    if (this.isDraining || room <= 0) return false;
    this.reserved++;
    return true;
  }

  unreserve(): void {
    this.reserved--;
  }

  /** How many more runs that call may begin. */
  private get room(): number {
    return this.config.maxRunning - (this.runs.size - this.copies.size) - this.reserved;
  }

  get leaseMs(): number {
    return this.config.leaseMs;
  }

  /** False once the process is stopping. */
  get isAccepting(): boolean {
    return !this.isDraining;
  }

  /** The run of what a statement sent at `leasedAt` (monotonic) is leasing to this process; `start` begins to write it. */
  prepare(work: Work, leasedAt: number): Run {
    const choice = this.parts.models.find(work.plan.models[0] ?? '');
    if (choice) this.parts.keys.prepare(work.tenantId, choice.provider);
    return new Run(work, this.parts.clock, leasedAt, this.config.leaseMs);
  }

  /** Makes the first call of a prepared run. It is sent once the row is `granted`; a run that will not be started has to be stopped. */
  openCall(run: Run, granted: Promise<void>): void {
    this.writer.openCall(run, granted);
  }

  /** Begins to write what was leased to this process; frees its reservation. */
  start(run: Run): void {
    this.reserved--;
    this.run(run);
  }

  /** Takes no more work; what runs goes on. */
  stopAccepting(): void {
    this.isDraining = true;
  }

  /** Stops taking work, lets runs end for `drainTimeoutMs`, stores what is left and gives it away. A second call waits for the first. */
  drain(): Promise<void> {
    this.stopAccepting();
    this.draining ??= this.drainAll();
    return this.draining;
  }

  private async drainAll(): Promise<void> {
    await isDoneWithin(this.config.drainTimeoutMs, this.settled());
    const isGiven = await isDoneWithin(giveAwayMs, this.giveAway());
    for (const timer of this.timers) clearInterval(timer);
    for (const stop of this.unsubscribe) stop();
    const closed = this.appender.close();
    if (!isGiven) throw new Error('the database is away: what was left waits for its lease to run out');
    await Promise.all([closed, this.sweeping, this.polling, this.renewing]);
  }

  private async giveAway(): Promise<void> {
    this.hasGivenAway = true;
    const left = [...this.runs.values()];
    for (const run of left) run.stop('RELEASED');
    await this.appender.flush();
    if (left.length > 0) {
      await releaseLeases(this.parts.database.engine, left);
      this.parts.bus.publish(
        'generation.waiting',
        left.map(({ id }) => id),
      );
    }
    await this.settled();
  }

  /** Looks once, now, for generations that nobody writes; a call during a look makes it look again. */
  sweep(): Promise<void> {
    this.isSweepAsked = true;
    this.sweeping ??= this.sweepAll().finally(() => {
      this.sweeping = null;
      // Asked for after the last look and before this line.
      if (this.isSweepAsked && !this.isDraining) void this.sweep();
    });
    return this.sweeping;
  }

  private async settled(): Promise<void> {
    while (this.writing.size > 0) await Promise.all(this.writing);
  }

  private each(ids: readonly string[], act: (run: Run) => void): void {
    for (const id of ids) {
      const run = this.runs.get(id);
      if (run) act(run);
    }
  }

  private run(run: Run): void {
    // This process may have lost and regained it; the old run has not heard of it yet.
    this.runs.get(run.id)?.stop('LOST');
    this.runs.set(run.id, run);
    if (run.source !== null) this.copies.add(run);
    // Its statement was under way when all others were given away: nobody has it once its lease has run out.
    if (this.hasGivenAway) run.stop('RELEASED');
    this.parts.audience.changed(run.id);
    const writing = this.write(run);
    this.writing.add(writing);
    void writing.finally(() => this.writing.delete(writing));
  }

  private async write(run: Run): Promise<void> {
    let story: Story | null = null;
    try {
      story = await this.writer.write(run);
    } catch (err) {
      // Nothing is lost: the lease runs out and the next process takes over.
      this.parts.log.error({ err, generationId: run.id }, 'a run failed');
      run.stop('LOST');
    }
    this.copies.delete(run);
    if (this.runs.get(run.id) === run) {
      this.runs.delete(run.id);
      this.parts.audience.left(run.id, story);
    }
    if (story) this.parts.bus.publish('generation.finished', [run.id]);
    if (!this.isDraining) void this.fill();
  }

  /** Takes what waits in the queue as soon as there is room again. */
  private async fill(): Promise<void> {
    if (this.room === 1) await this.sweep();
  }

  private async sweepAll(): Promise<void> {
    while (this.isSweepAsked && !this.isDraining) {
      this.isSweepAsked = false;
      try {
        // A lease of one's own that ran out (the database was away) is renewed at once: no other process has to wait for it then, or take it.
        if ([...this.runs.values()].some((run) => !run.isTrusted)) await this.renew();
        await this.closeLost();
        await this.takeOver('RUNNING');
        await this.takeOver('QUEUED');
      } catch (err) {
        // The database is away; the next second tries again.
        this.parts.log.warn({ err }, 'could not look for waiting generations');
      }
    }
  }

  private async takeOver(status: 'RUNNING' | 'QUEUED'): Promise<void> {
    const { room } = this;
    if (room <= 0 || this.isDraining) return;
    const sentAt = this.parts.clock.monotonic();
    const { leaseMs, totalTimeoutMs } = this.config;
    const asked = { status, writing: this.held(), limit: Math.min(room, 50), leaseMs, totalTimeoutMs };
    const claims = await claim(this.parts.database.engine, asked);
    for (const claimed of claims) {
      this.parts.log.info({ generationId: claimed.id, epoch: claimed.epoch, status }, 'generation taken');
      this.run(this.prepare({ ...claimed, plan: this.plan(claimed) }, sentAt));
    }
    this.parts.bus.publish(
      'generation.changed',
      claims.map(({ id }) => id),
    );
  }

  /** The plan for what was left of a generation: the model it had, then those of its route, as far as this process has them. */
  private plan({ requestedModel, plan: stored, attempts }: Claim): RoutePlan {
    const last = attempts.at(-1)?.model;
    const first = last !== undefined ? [last] : [];
    try {
      const plan = stored ?? this.parts.models.plan(requestedModel);
      return { ...plan, models: [...new Set([...first, ...plan.models])] };
    } catch {
      // Another build started it with a model this one does not know: the call will say so.
      return planOf(first);
    }
  }

  private async closeLost(): Promise<void> {
    const { database, ledger, bus } = this.parts;
    const { leaseMs, totalTimeoutMs } = this.config;
    const closings = await claimClosings(database.engine, { writing: this.held(), leaseMs, totalTimeoutMs });
    for (const closing of closings) {
      const story = (await readStories(database.engine, [closing])).get(closing.id);
      if (story) await closeAbandoned({ engine: database.engine, ledger }, closing, story.text);
    }
    bus.publish(
      'generation.finished',
      closings.map(({ id }) => id),
    );
  }

  /** Runs that are this process's as far as it knows. */
  private held(): Run[] {
    return [...this.runs.values()].filter((run) => run.stopReason !== 'LOST' && run.stopReason !== 'RELEASED');
  }

  private async renew(): Promise<void> {
    this.renewing ??= this.renewAll().finally(() => {
      this.renewing = null;
    });
    await this.renewing;
  }

  private async renewAll(): Promise<void> {
    const runs = this.held();
    if (runs.length === 0) return;
    const sentAt = this.parts.clock.monotonic();
    try {
      const held = await renewLeases(this.parts.database.engine, runs, this.config.leaseMs);
      for (const run of runs) {
        const standing = held.get(run.id);
        if (!standing) this.lose(run);
        else this.regain(run, sentAt);
        if (standing?.isCancelRequested) run.stop('CANCELLED');
      }
    } catch (err) {
      // Until the lease runs out there are more tries; after that the fence keeps readers safe.
      this.parts.log.warn({ err, runs: runs.length }, 'could not renew leases');
    }
  }

  /** The lease is certain for another while; readers that waited because it was not can go on. */
  private regain(run: Run, sentAt: number): void {
    const wasTrusted = run.isTrusted;
    run.confirmLease(sentAt);
    if (!wasTrusted) this.parts.audience.changed(run.id);
  }

  private async poll(): Promise<void> {
    this.polling ??= this.appender.ask([...this.runs.values()], pollMs).finally(() => {
      this.polling = null;
    });
    await this.polling;
  }

  /** A row that does not answer to the epoch any more: unless this process is just ending it, someone else has it. */
  private lose(run: Run): void {
    if (!run.isEnding) run.stop('LOST');
  }
}
