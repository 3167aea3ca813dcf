/** A repeatable source of chance: numbers from 0 to 1, the same for the same seed (mulberry32). */
export interface Random {
  (): number;
  /** One of these. */
  pick<T>(things: readonly T[]): T;
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number;
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return Object.assign(next, {
    pick: <T>(things: readonly T[]): T => things[Math.floor(next() * things.length)] as T,
    whole: (least: number, most: number): number => least + Math.floor(next() * (most - least + 1)),
  });
}
