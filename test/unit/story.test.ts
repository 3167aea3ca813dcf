import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, type Position } from '../../src/generations/cursor.ts';
import {
  assemble,
  checkPosition,
  nextStep,
  sliceUnits,
  survivingOffset,
  type AttemptState,
  type Chunk,
  type Mark,
  type Story,
} from '../../src/generations/story.ts';
import { newId } from '../../src/kernel/id.ts';
import { randomOf, type Random } from '../harness/random.ts';

const attempt = (number: number, base = 0, over: Partial<AttemptState> = {}): AttemptState => ({
  number,
  base,
  model: `mock/${number}`,
  reason: number > 1 ? 'TAKE_OVER' : null,
  endedBy: null,
  endOffset: null,
  ...over,
});
const running = (text: string, ...attempts: AttemptState[]): Story => ({ status: 'RUNNING', attempts, text, end: text.length });
const finished = (text: string, ...attempts: AttemptState[]): Story => ({
  status: 'SUCCEEDED',
  attempts,
  text,
  end: text.length,
});
const at = (number: number, offset: number, done = false): Position => ({ attempt: number, offset, done });

describe('cursor', () => {
  const id = newId('gen');

  it('reads what it wrote', () => {
    for (const position of [at(0, 0), at(1, 0), at(3, 4_711), at(2, 17, true)]) {
      expect(decodeCursor(id, encodeCursor(id, position))).toEqual(position);
    }
  });

  it.each([
    ['nothing', ''],
    ['not base64', '%%%'],
    ['another text', Buffer.from('hello').toString('base64url')],
    ['a negative offset', Buffer.from(`${id}.1.-5`).toString('base64url')],
    ['a leading zero', Buffer.from(`${id}.1.05`).toString('base64url')],
    ['an offset beyond all texts', Buffer.from(`${id}.1.9999999999`).toString('base64url')],
    ['too much', 'a'.repeat(100_000)],
    ["another generation's", encodeCursor(newId('gen'), at(1, 0))],
  ])('refuses %s', (_name, cursor) => {
    expect(() => decodeCursor(id, cursor)).toThrow(expect.objectContaining({ code: 'INVALID_CURSOR', path: ['after'] }));
  });
});

describe('checkPosition', () => {
  const lost = attempt(1, 0, { endedBy: 'TAKEN_OVER' });
  const failed = attempt(1, 0, { endedBy: 'FAILED', endOffset: 5 });

  it.each<[string, Story, Position, boolean]>([
    ['the end of what is stored', running('abc', attempt(1)), at(1, 3), true],
    ['the future of a live attempt', running('abc', attempt(1)), at(1, 9), true],
    ['an attempt that is not there yet', running('abc', attempt(1)), at(2, 0), false],
    ['done, while it runs', running('abc', attempt(1)), at(1, 3, true), false],
    ['done, when it is', finished('abc', attempt(1, 0, { endedBy: 'FINISHED', endOffset: 3 })), at(1, 3, true), true],
    ['beyond an attempt that finished', finished('abc', attempt(1, 0, { endedBy: 'FINISHED', endOffset: 3 })), at(1, 4), false],
    ['beyond an attempt that failed in its own process', running('', failed, attempt(2)), at(1, 6), false],
    ['the end of an attempt that failed in its own process', running('', failed, attempt(2)), at(1, 5), true],
    ['anything of an attempt whose process was lost', running('', lost, attempt(2)), at(1, 99), true],
    ['inside a surrogate pair', running('a😀b', attempt(1)), at(1, 2), false],
    ['behind a surrogate pair', running('a😀b', attempt(1)), at(1, 3), true],
    ['before the first attempt', running('', attempt(1)), at(0, 0), true],
    ['text before the first attempt', running('abc', attempt(1)), at(0, 1), false],
  ])('%s: %o at %o is %s', (_name, story, position, isValid) => {
    const check = () => checkPosition(story, position);
    if (isValid) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: 'INVALID_CURSOR' }));
  });
});

describe('assemble', () => {
  const chunk = (number: number, start: number, body: string): Chunk => ({ attempt: number, start, body });

  it.each<[string, AttemptState[], Chunk[], string]>([
    ['nothing yet', [attempt(1)], [], ''],
    ['one attempt', [attempt(1)], [chunk(1, 0, 'ab'), chunk(1, 2, 'cd')], 'abcd'],
    ['a row that was stored twice, longer the second time', [attempt(1)], [chunk(1, 0, 'abc'), chunk(1, 2, 'cd')], 'abcd'],
    ['a restart', [attempt(1), attempt(2)], [chunk(1, 0, 'abcd'), chunk(2, 0, 'xy')], 'xy'],
    ['a continuation', [attempt(1), attempt(2, 2)], [chunk(1, 0, 'abcd'), chunk(2, 2, 'xy')], 'abxy'],
    [
      'late rows of a lost process',
      [attempt(1), attempt(2, 2)],
      [chunk(1, 0, 'ab'), chunk(1, 2, 'LATE'), chunk(2, 2, 'xy')],
      'abxy',
    ],
    ['a closing attempt without text', [attempt(1), attempt(2, 3)], [chunk(1, 0, 'abcdef')], 'abc'],
    [
      'a continuation of a continuation',
      [attempt(1), attempt(2, 4), attempt(3, 2)],
      [chunk(1, 0, 'abcd'), chunk(2, 4, 'ef'), chunk(3, 2, 'z')],
      'abz',
    ],
    ['a gap', [attempt(1)], [chunk(1, 0, 'ab'), chunk(1, 5, 'xx')], 'ab'],
    ['a row of an attempt that is not known yet', [attempt(1)], [chunk(1, 0, 'ab'), chunk(2, 0, 'zz')], 'ab'],
  ])('%s', (_name, attempts, chunks, text) => {
    expect(assemble(attempts, chunks)).toBe(text);
  });
});

describe('nextStep', () => {
  it('shows a new reader the current attempt, what survives, then the end', () => {
    const story = finished('hello', attempt(1, 0, { endedBy: 'TAKEN_OVER' }), attempt(2));
    expect(read(story, null)).toEqual([
      { kind: 'started', position: at(2, 0), attempt: story.attempts[1] },
      { kind: 'delta', position: at(2, 5), offset: 0, text: 'hello' },
      { kind: 'finished', position: at(2, 5, true) },
    ]);
  });

  it('shows nothing of an attempt before its first text', () => {
    expect(nextStep(running('', attempt(1, 0, { endedBy: 'FAILED', endOffset: 0 }), attempt(2)), null)).toEqual({ kind: 'wait' });
  });

  it('tells a reader of an earlier attempt once how much stays, whatever came between', () => {
    const story = running('abXY', attempt(1), attempt(2, 3), attempt(3, 2));
    expect(read(story, at(1, 9))).toEqual([
      { kind: 'restarted', position: at(3, 2), attempt: story.attempts[2], offset: 2 },
      { kind: 'delta', position: at(3, 4), offset: 2, text: 'XY' },
    ]);
    expect(survivingOffset(story.attempts, 1, 1)).toBe(1);
  });

  it('takes nothing from a reader before there is something in its place', () => {
    const failed = attempt(1, 0, { endedBy: 'FAILED', endOffset: 5 });
    expect(nextStep(running('', failed, attempt(2)), at(1, 5))).toEqual({ kind: 'wait' });
    expect(nextStep(running('ab', failed, attempt(2, 2)), at(1, 5))).toEqual({ kind: 'wait' });
    // Neither of two attempts in between wrote a word: it hears of one.
    const story = running('abX', failed, attempt(2, 0, { endedBy: 'FAILED', endOffset: 0 }), attempt(3, 2));
    expect(read(story, at(1, 5))).toMatchObject([
      { kind: 'restarted', position: at(3, 0), offset: 0 },
      { kind: 'delta', offset: 0, text: 'abX' },
    ]);
    // At the end there is nothing to wait for.
    expect(read(finished('ab', failed, attempt(2, 2)), at(1, 5))).toMatchObject([
      { kind: 'restarted', offset: 2 },
      { kind: 'finished' },
    ]);
  });

  it('waits for the stored text to come up to a reader that is ahead of it', () => {
    expect(nextStep(running('abc', attempt(1)), at(1, 7))).toEqual({ kind: 'wait' });
  });

  it('delivers no more than may be delivered', () => {
    expect(nextStep({ ...running('abcdef', attempt(1)), end: 2 }, at(1, 0))).toMatchObject({ text: 'ab' });
  });

  it('ends at once for a reader that saw the end', () => {
    expect(nextStep(finished('abc', attempt(1)), at(1, 3, true))).toEqual({ kind: 'end' });
  });

  it('finishes what was cancelled before its first attempt', () => {
    expect(nextStep({ status: 'CANCELLED', attempts: [], text: '', end: 0 }, null)).toEqual({
      kind: 'finished',
      position: at(0, 0, true),
    });
  });

  it('cuts long text into slices that split no surrogate pair', () => {
    const text = `${'x'.repeat(sliceUnits - 1)}${'😀'.repeat(sliceUnits)}`;
    const deltas = read(finished(text, attempt(1)), at(1, 0)).filter((step) => step.kind === 'delta');
    expect(deltas.map((step) => step.text).join('')).toBe(text);
    for (const { text: slice } of deltas) {
      expect(slice.length).toBeLessThanOrEqual(sliceUnits);
      expect(slice.isWellFormed()).toBe(true);
    }
  });
});

/**
 * A model of the whole protocol: writers append, fail over, are lost with text that was delivered and not stored, continue and restart;
 * late rows land; readers on the writer and on the store are cut anywhere and go on anywhere.
 */
describe('any reader, any time', () => {
  it.each(Array.from({ length: 300 }, (_, seed) => seed))('ends with the stored text (seed %i)', (seed) => {
    const random = randomOf(seed);
    const world = new World(random);
    const readers = Array.from({ length: 4 }, () => new Reader(random));
    for (let tick = 0; tick < 60; tick++) {
      world.act();
      world.readOn();
      for (const reader of readers) reader.look(world);
    }
    world.finish();
    for (const reader of readers) {
      while (reader.look(world, 1)) continue;
      expect(reader.text).toBe(world.text);
      expect(reader.position?.done).toBe(true);
    }
  });
});

class World {
  attempts: AttemptState[] = [attempt(1)];
  chunks: Chunk[] = [];
  /** What the current writer has in memory, and how much of it is stored. */
  memory = '';
  stored = 0;
  isOver = false;
  private mark: Mark | null = null;

  constructor(private readonly random: Random) {}

  get text(): string {
    return this.isOver ? this.memory : assemble(this.attempts, this.chunks);
  }

  /** What readers of the writing process see, and what all others see. */
  story(isLocal: boolean): Story {
    const text = isLocal || this.isOver ? this.memory : assemble(this.attempts, this.chunks);
    return { status: this.isOver ? 'SUCCEEDED' : 'RUNNING', attempts: this.attempts, text, end: text.length };
  }

  act(): void {
    const dice = this.random();
    if (dice < 0.5) this.memory += this.random.pick(['a', 'bc', '😀', '山', ' def ']);
    else if (dice < 0.8) this.flush(this.memory.length);
    else if (dice < 0.87) this.failOver();
    else if (dice < 0.93) this.loseProcess();
  }

  finish(): void {
    this.isOver = true;
    this.attempts = [...this.attempts.slice(0, -1), { ...this.current, endedBy: 'FINISHED', endOffset: this.memory.length }];
  }

  /** A follower that reads from its mark on, now and then, knows the same as one that reads everything. */
  readOn(): void {
    if (this.random() < 0.6) return;
    const { mark } = this;
    const chunks = this.chunks.filter(
      (row) => !mark || row.attempt > mark.attempt || (row.attempt === mark.attempt && row.start >= mark.start),
    );
    const text = assemble(this.attempts, chunks, mark);
    expect(text).toBe(assemble(this.attempts, this.chunks));
    const last = chunks.at(-1);
    if (last) this.mark = { attempt: last.attempt, start: last.start, text: text.slice(0, last.start) };
  }

  private get current(): AttemptState {
    return this.attempts.at(-1) ?? attempt(1);
  }

  private flush(to: number): void {
    if (to > this.stored)
      this.chunks.push({ attempt: this.current.number, start: this.stored, body: this.memory.slice(this.stored, to) });
    this.stored = Math.max(this.stored, to);
    this.chunks.sort((a, b) => a.attempt - b.attempt || a.start - b.start);
  }

  /** In one process: nothing is lost, and the next attempt may go on from what is stored. */
  private failOver(): void {
    const isContinued = this.random() < 0.5;
    if (isContinued) this.flush(this.memory.length);
    const base = isContinued ? this.boundary(this.memory, Math.floor(this.random() * (this.memory.length + 1))) : 0;
    this.replace({ ...this.current, endedBy: 'FAILED', endOffset: this.memory.length }, base);
  }

  /** The process dies: what it had not stored is gone, unless its last statement lands late. */
  private loseProcess(): void {
    const lost = this.current;
    const late: Chunk = { attempt: lost.number, start: this.stored, body: this.memory.slice(this.stored) };
    const hasLate = late.body !== '' && this.random() < 0.5;
    const stored = assemble(this.attempts, this.chunks);
    // A restart, or what closes an abandoned one: an attempt that begins at the end of what is stored.
    const base = this.random() < 0.7 ? 0 : stored.length;
    this.memory = stored;
    this.replace({ ...lost, endedBy: 'TAKEN_OVER', endOffset: null }, base);
    if (hasLate) this.chunks = [...this.chunks, late].toSorted((a, b) => a.attempt - b.attempt || a.start - b.start);
  }

  private replace(ended: AttemptState, base: number): void {
    this.attempts = [...this.attempts.slice(0, -1), ended, attempt(ended.number + 1, base)];
    this.memory = this.memory.slice(0, base);
    this.stored = base;
  }

  private boundary(text: string, offset: number): number {
    return text.slice(0, offset).isWellFormed() ? offset : offset - 1;
  }
}

class Reader {
  text = '';
  position: Position | null = null;

  constructor(private readonly random: Random) {}

  /** Takes a few steps wherever it happens to be connected; false when there was nothing to take. */
  look(world: World, steps = Math.floor(this.random() * 3)): boolean {
    const isLocal = this.random() < 0.5;
    for (let step = 0; step < steps; step++) {
      const story = world.story(isLocal);
      if (this.position) checkPosition(story, this.position);
      const next = nextStep(story, this.position);
      if (next.kind === 'wait' || next.kind === 'end') return false;
      if (next.kind === 'delta') {
        expect(next.offset).toBe(this.text.length);
        this.text += next.text;
      }
      if (next.kind === 'restarted') {
        expect(next.offset).toBeLessThanOrEqual(this.text.length);
        this.text = this.text.slice(0, next.offset);
      }
      this.position = next.position;
      expect(story.text.startsWith(this.text)).toBe(true);
    }
    return steps > 0;
  }
}

function read(story: Story, from: Position | null) {
  const steps = [];
  for (let position = from; ;) {
    const step = nextStep(story, position);
    if (step.kind === 'wait' || step.kind === 'end') return steps;
    steps.push(step);
    position = step.position;
  }
}
