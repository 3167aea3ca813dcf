import { uuidOf } from '../db/ids.ts';
import type { CacheUse } from '../caching/caching.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Guards } from '../guards/guards.ts';
import type { Restorer } from '../guards/restore.ts';
import type { PollableIterator } from '../kernel/pollable.ts';
import type { PromptMessage, StreamPart } from '../providers/port.ts';
import type { RoutePlan } from '../routing/plan.ts';
import type { FailoverPolicy } from '../templates/templates.table.ts';
import { withSkip, type Skip } from './skip.ts';
import type { AttemptState, Story } from './story.ts';

/** What an engine needs to write a generation: the row as it was claimed, ids as text. */
export interface Work {
  readonly tenantId: string;
  readonly id: string;
  readonly epoch: number;
  /** All attempts, the open one last. */
  readonly attempts: readonly AttemptState[];
  /** What may write it; the first model is the open attempt's. */
  readonly plan: RoutePlan;
  readonly messages: readonly PromptMessage[];
  readonly draft: string;
  readonly maxOutputTokens: number;
  readonly temperature: number | null;
  readonly failoverPolicy: FailoverPolicy;
  /** What is masked before the prompt leaves, and what the text is checked for; null for nothing. */
  readonly guards: Guards | null;
  readonly cache: CacheUse | null;
  /** What the text is: JSON that fits this JSON Schema; null for plain text. Providers are told, and the whole text has to fit. */
  readonly outputSchema: Readonly<Record<string, unknown>> | null;
  readonly variables: Readonly<Record<string, unknown>>;
  /** What was wrong with the text that this one is written in place of; null for the first. */
  readonly complaint: string | null;
  /** The models that were to write and were not asked. */
  readonly skipped: readonly Skip[];
  /** Milliseconds since the generation was created, on the database's clock. */
  readonly ageMs: number;
}

/** A call to a provider's model; `first` is its first part, when that was asked for already. */
export interface OpenedCall {
  readonly model: string;
  /** Monotonic time at which it was made. */
  readonly at: number;
  readonly parts: PollableIterator<StreamPart>;
  readonly first: Promise<IteratorResult<StreamPart, undefined>> | null;
  /** Puts back into its text what was masked; null when nothing was. */
  readonly restorer: Restorer | null;
}

/** Why a run was told to stop before its provider ended. */
export type StopReason = 'CANCELLED' | 'LOST' | 'RELEASED' | 'UNSTORABLE';

/** A generation that this process is writing: its text, how much of it readers may see, how much is stored. */
export class Run {
  readonly tenantId: string;
  readonly id: string;
  /** The two ids as statements take them: all runs are in one twenty times a second. */
  readonly tenantUuid: string;
  readonly uuid: string;
  readonly epoch: number;
  attempts: AttemptState[];
  text = '';
  /** Monotonic time at which readers were last told of more text. */
  deliveredAt = -Infinity;
  /** Monotonic time at which they are to be told of text that waits. */
  dueAt = 0;
  /** Readers may see the text up to here. */
  deliverable = 0;
  /** The text is stored up to here. */
  stored = 0;
  /** Monotonic time of the oldest text that is not stored. */
  unstoredSince = 0;
  /** Monotonic time of the first token of the open attempt; null before it. */
  firstTokenAt: number | null = null;
  /** Whether the first token's time is in the database. */
  isFirstTokenStored = false;
  /** Monotonic time of the last answer about the row; with no news for half a second it is asked for. */
  askedAt: number;
  /** Whether a reader on another process wants a hint at every flush. */
  isWatchedElsewhere = false;
  /** Its first call, made while its row was being inserted; null once it is read. */
  opened: OpenedCall | null = null;
  /** Whether the open attempt has come to a call, or to a failure in its place. */
  isCalled = false;
  /** What was reserved for a second call is given back: before the attempt ends, or it would count as used. Null where there is nothing to. */
  givingBack: Promise<void> | null = null;
  /** The models that were to write and were not asked; stored with the next statement on the row. */
  skipped: readonly Skip[];
  stopReason: StopReason | null = null;
  /** How it uses the cache as it is now: where it copies the text of another, and that comes to nothing, it goes over to the next, or to its own. */
  cache: CacheUse | null;
  /** What was wrong with a text that did not pass its checks: the open attempt writes it once more. Null before that. */
  complaint: string | null;
  /** Its end is on its way to the database: a row that is not RUNNING any more is no news. */
  isEnding = false;
  /** Nothing is stored any more. */
  isEnded = false;

  private readonly aborter = new AbortController();
  private fenceAt: number;
  private onRoom: (() => void) | null = null;

  constructor(
    readonly work: Work,
    private readonly clock: Clock,
    /** Monotonic time just before the statement was sent that leased this generation. */
    readonly leasedAt: number,
    private readonly leaseMs: number,
  ) {
    this.tenantId = work.tenantId;
    this.id = work.id;
    this.tenantUuid = uuidOf(work.tenantId);
    this.uuid = uuidOf(work.id);
    this.epoch = work.epoch;
    this.attempts = [...work.attempts];
    this.complaint = work.complaint;
    this.cache = work.cache;
    this.skipped = work.skipped;
    this.fenceAt = leasedAt + leaseMs;
    this.askedAt = leasedAt;
  }

  get attempt(): AttemptState {
    const attempt = this.attempts.at(-1);
    if (!attempt) throw new Error(`run of ${this.id} has no attempt`);
    return attempt;
  }

  /** The generation, as a uuid, whose text it copies; null when it writes its own. */
  get source(): string | null {
    return this.cache?.source ?? null;
  }

  /** Aborted when the run has to stop; `stopReason` says why. */
  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  /** False once the lease may have been taken by another: from then on nothing may be delivered from here. */
  get isTrusted(): boolean {
    return this.stopReason !== 'LOST' && this.stopReason !== 'RELEASED' && this.clock.monotonic() < this.fenceAt;
  }

  /** The lease was confirmed by a statement that was sent at `sentAt`. */
  confirmLease(sentAt: number): void {
    this.fenceAt = Math.max(this.fenceAt, sentAt + this.leaseMs);
  }

  /** The first reason stays, unless the run is not this process's any more. */
  stop(reason: StopReason): void {
    if (this.stopReason !== null && reason !== 'LOST' && reason !== 'RELEASED') return;
    if (this.stopReason === 'LOST') return;
    this.stopReason = reason;
    this.aborter.abort(reason);
    this.giveRoom();
  }

  /** Adds text that came at `now` (monotonic). */
  append(text: string, now: number): void {
    if (this.stored === this.text.length) this.unstoredSince = now;
    this.firstTokenAt ??= now;
    this.text += text;
  }

  /** The open attempt gave up and another took its place; `base` code units of the text stay. */
  replaceAttempt(ended: AttemptState, next: AttemptState): void {
    this.attempts = [...this.attempts.slice(0, -1), ended, next];
    this.text = this.text.slice(0, next.base);
    // Readers may have been shown less, but all of it stands.
    this.deliverable = next.base;
    this.stored = Math.min(this.stored, next.base);
    this.firstTokenAt = null;
    this.isFirstTokenStored = false;
    this.isCalled = false;
  }

  /** The open attempt's model was not asked. */
  skip(reason: Skip['reason']): void {
    const at = this.clock.now().toISOString();
    this.skipped = withSkip(this.skipped, { model: this.attempt.model, reason, at });
  }

  /** The open attempt, of which no reader has heard, is one of `model` from now on. */
  redirect(model: string): void {
    this.attempts = [...this.attempts.slice(0, -1), { ...this.attempt, model }];
  }

  /** Text up to `end` of attempt `attempt` is stored. */
  confirmStored(attempt: number, end: number): void {
    if (attempt !== this.attempt.number) return;
    this.stored = Math.max(this.stored, end);
    this.unstoredSince = this.clock.monotonic();
    this.giveRoom();
  }

  /** Milliseconds since the first token of the open attempt; null before it. */
  get firstTokenAgeMs(): number | null {
    return this.firstTokenAt === null ? null : this.clock.monotonic() - this.firstTokenAt;
  }

  /** Resolves when less than the bound is unstored (64 KiB, 2 s), or the run has to stop. */
  async room(): Promise<void> {
    while (this.stopReason === null && this.isFull) {
      await new Promise<void>((resolve) => {
        this.onRoom = resolve;
      });
    }
  }

  story(): Story {
    return { status: 'RUNNING', attempts: this.attempts, text: this.text, end: this.deliverable };
  }

  /** Whether so much is unstored, or for so long, that the provider is not to be read any further for now. */
  get isFull(): boolean {
    const unstored = this.text.length - this.stored;
    return unstored > 0 && (unstored >= maxUnstoredUnits || this.clock.monotonic() - this.unstoredSince >= maxUnstoredMs);
  }

  private giveRoom(): void {
    this.onRoom?.();
    this.onRoom = null;
  }
}

const maxUnstoredUnits = 65_536;
const maxUnstoredMs = 2_000;
