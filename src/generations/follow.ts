import type { Database } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { PollableIterator } from '../kernel/pollable.ts';
import type { Bus } from '../messages/bus.ts';
import type { Position } from './cursor.ts';
import type { Audience } from './engine-parts.ts';
import type { Run } from './run.ts';
import { readStories, type StoredStory } from './snapshot.ts';
import { Steps, type Reader } from './steps.ts';
import { isFinal, type Told, type Story } from './story.ts';

interface FollowParts {
  readonly database: Database;
  readonly bus: Bus;
  readonly log: Log;
  /** The run of a generation that this process is writing. */
  readonly findRun: (id: string) => Run | undefined;
}

/** What this process knows of a generation that has readers here. */
interface Tail {
  readonly tenantId: string;
  readonly id: string;
  readonly readers: Set<Reader>;
  /** The last known state of one that is written elsewhere; null until it is read. */
  story: Story | null;
  /** The latest reading of the store, which the next one goes on from. */
  stored: StoredStory | null;
  /** Raised whenever `story` is set, so that an older read does not win. */
  version: number;
  isGone: boolean;
  /** The story came from a run of this process, so once that is not trusted any more the store has to be read. */
  isLocal: boolean;
}

/** The floor under all hints: what is watched and written elsewhere is read again this often. */
const floorMs = 1_000;
/** How many generations one read asks for. */
const readSize = 100;
/** Every so many floors the writers elsewhere are told again that someone watches. */
const watchEvery = 5;

/**
 * Gives every reader what comes next. A reader is a position and no queue: a slow one costs nothing and never holds up the others.
 * Text of runs of this process comes from memory, as long as their lease is certain; everything else from the store.
 */
export class Follower implements Audience {
  private readonly tails = new Map<string, Tail>();
  private readonly dirty = new Set<Tail>();
  private readonly unsubscribe: (() => void)[] = [];
  private timer: NodeJS.Timeout | null = null;
  private reading: Promise<void> | null = null;
  private floors = 0;

  constructor(private readonly parts: FollowParts) {}

  open(): void {
    const { bus } = this.parts;
    const onHint = ({ ids }: { ids: readonly string[] }) => this.refresh(ids.flatMap((id) => this.tails.get(id) ?? []));
    this.unsubscribe.push(
      bus.on('generation.changed', onHint),
      bus.on('generation.finished', onHint),
      bus.onGap(() => this.refresh([...this.tails.values()])),
    );
    this.timer = setInterval(() => this.floor(), floorMs);
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    for (const stop of this.unsubscribe) stop();
    this.dirty.clear();
    await this.reading;
  }

  get readerCount(): number {
    return [...this.tails.values()].reduce((sum, { readers }) => sum + readers.size, 0);
  }

  changed(id: string): void {
    this.wake(this.tails.get(id));
  }

  left(id: string, story: Story | null): void {
    const tail = this.tails.get(id);
    if (!tail) return;
    tail.isLocal = false;
    this.set(tail, story);
    if (!story) this.refresh([tail]);
  }

  /** What this process is sure of without asking the store; null when it has to be read. */
  known(tenantId: string, id: string): Story | null {
    const run = this.parts.findRun(id);
    return run?.isTrusted && run.tenantId === tenantId ? run.story() : null;
  }

  /**
   * Steps of a generation after `position`, until its end or until `signal` aborts. `story` is what a caller has just read, if it did.
   * Throws NOT_FOUND when the generation is deleted meanwhile. The caller has checked that the reader may see it.
   */
  follow(
    tenantId: string,
    id: string,
    story: Story | null,
    position: Position | null,
    signal: AbortSignal,
  ): PollableIterator<Told> {
    let tail: Tail | null = null;
    return new Steps(position, signal, {
      // Not kept by the steps: each slow reader would hold a copy of the text.
      join: (reader) => {
        tail = this.join(tenantId, id, story, reader);
        story = null;
      },
      look: () => {
        if (tail?.isGone) throw new AppError('NOT_FOUND', 'the generation was deleted');
        return tail && this.storyOf(tail);
      },
      leave: (reader) => {
        if (!tail) return;
        tail.readers.delete(reader);
        if (tail.readers.size > 0 || this.tails.get(id) !== tail) return;
        this.tails.delete(id);
        this.dirty.delete(tail);
      },
    });
  }

  private join(tenantId: string, id: string, story: Story | null, reader: Reader): Tail {
    const existing = this.tails.get(id);
    const tail: Tail = existing ?? {
      tenantId,
      id,
      readers: new Set(),
      story,
      stored: null,
      version: 0,
      isGone: false,
      isLocal: false,
    };
    tail.readers.add(reader);
    if (existing) return tail;
    this.tails.set(id, tail);
    if (!this.parts.findRun(id)?.isTrusted && !(story && isFinal(story.status))) {
      this.parts.bus.publish('generation.watched', [id]);
      // What was read before the reader joined may be older than a hint that came in between.
      this.refresh([tail]);
    }
    return tail;
  }

  private storyOf(tail: Tail): Story | null {
    const run = this.parts.findRun(tail.id);
    if (run?.isTrusted) {
      tail.isLocal = true;
      return run.story();
    }
    if (tail.isLocal) {
      tail.isLocal = false;
      this.set(tail, null);
      this.refresh([tail]);
    }
    return tail.story;
  }

  private set(tail: Tail, story: Story | null): void {
    tail.version++;
    tail.story = story;
    this.wake(tail);
  }

  private wake(tail: Tail | undefined): void {
    if (tail) for (const reader of tail.readers) reader.wake();
  }

  private floor(): void {
    const elsewhere = [...this.tails.values()].filter((tail) => this.needsStore(tail));
    this.floors++;
    if (this.floors % watchEvery === 0) {
      this.parts.bus.publish(
        'generation.watched',
        elsewhere.map(({ id }) => id),
      );
    }
    this.refresh(elsewhere);
  }

  private needsStore(tail: Tail): boolean {
    return !tail.isGone && !this.parts.findRun(tail.id)?.isTrusted && !(tail.story && isFinal(tail.story.status));
  }

  /** Reads these from the store, all together and one read at a time. */
  private refresh(tails: readonly Tail[]): void {
    for (const tail of tails) if (this.needsStore(tail)) this.dirty.add(tail);
    if (this.dirty.size === 0) return;
    this.reading ??= this.readDirty().finally(() => {
      this.reading = null;
      // Asked for after the last look and before this line.
      if (this.dirty.size > 0) this.refresh([]);
    });
  }

  private async readDirty(): Promise<void> {
    await Promise.resolve();
    while (this.dirty.size > 0) {
      const asked = [...this.dirty].slice(0, readSize).map((tail) => ({ tail, version: tail.version }));
      for (const { tail } of asked) this.dirty.delete(tail);
      try {
        const stories = await readStories(
          this.parts.database.engine,
          asked.map(({ tail: { tenantId, id, stored } }) => ({ tenantId, id, known: stored })),
        );
        for (const { tail, version } of asked) {
          if (tail.version !== version) continue;
          const story = stories.get(tail.id);
          tail.isGone = story === undefined;
          tail.stored = story ?? null;
          this.set(tail, story ?? null);
        }
      } catch (err) {
        // Readers wait; the floor asks again.
        this.dirty.clear();
        this.parts.log.warn({ err, generations: asked.length }, 'could not read running generations');
        return;
      }
    }
  }
}
