import { describe, expect, it } from 'vitest';
import { Places } from '../../src/routing/places.ts';

const never = new AbortController().signal;

describe('places for calls', () => {
  const placesFor = (waitMs: number) => new Places({ byProvider: new Map([['a', 2]]), others: null, waitMs });

  it('are so many for a provider, and any number where nothing is said', () => {
    const places = placesFor(0);
    expect(['a', 'a', 'a', 'b', 'b', 'b'].map((provider) => places.takeNow(provider))).toEqual([
      true,
      true,
      false,
      true,
      true,
      true,
    ]);
    expect([places.taken('a'), places.taken('b'), places.taken('c')]).toEqual([2, 3, 0]);
  });

  it('go to those who wait, in their order', async () => {
    const places = placesFor(60_000);
    places.takeNow('a');
    places.takeNow('a');
    const order: string[] = [];
    const wait = async (name: string): Promise<void> => {
      if (await places.take('a', 60_000, never)) order.push(name);
    };
    const waiting = [wait('first'), wait('second')];
    expect(places.takeNow('a')).toBe(false);
    places.leave('a');
    await waiting[0];
    expect([order, places.taken('a')]).toEqual([['first'], 2]);
    places.leave('a');
    await waiting[1];
    expect(order).toEqual(['first', 'second']);
    places.leave('a');
    places.leave('a');
    expect([places.taken('a'), places.takeNow('a')]).toEqual([0, true]);
  });

  it.each<[why: string, waitMs: number, remainingMs: number]>([
    ['longer than is configured', 20, 60_000],
    ['longer than there is time', 60_000, 20],
    ['at all where nobody is to', 0, 60_000],
  ])('are not waited for %s', async (_why, waitMs, remainingMs) => {
    const places = placesFor(waitMs);
    places.takeNow('a');
    places.takeNow('a');
    expect(await places.take('a', remainingMs, never)).toBe(false);
    places.leave('a');
    expect(places.taken('a')).toBe(1);
  });

  it('are not kept for who has gone', async () => {
    const places = placesFor(60_000);
    places.takeNow('a');
    places.takeNow('a');
    const gone = new AbortController();
    const waiting = places.take('a', 60_000, gone.signal);
    gone.abort();
    expect(await waiting).toBe(false);
    places.leave('a');
    expect(places.taken('a')).toBe(1);
  });

  it('have room for so many who wait', async () => {
    const places = placesFor(60_000);
    places.takeNow('a');
    places.takeNow('a');
    const gone = new AbortController();
    const waiting = Array.from({ length: 1_000 }, () => places.take('a', 60_000, gone.signal));
    expect(await places.take('a', 60_000, gone.signal)).toBe(false);
    gone.abort();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([false]));
  });
});
