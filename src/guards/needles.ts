import { randomInt } from 'node:crypto';

/** A text that is looked for, and what it is. */
export interface Needle<T> {
  readonly form: string;
  readonly of: T;
}

/** Other ones in each process, so that nobody can make needles whose edges all want the same slot. What is found does not depend on them. */
const [nodeFactor, unitFactor] = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1];

const edgeSize = 3;
const nodeSize = 3;
const [fallback, depth, ending] = [0, 1, 2];

/**
 * Looks for many texts at once, in time linear in the length of all of them and of what they are looked for in, whatever they have in common: Aho and
 * Corasick, "Efficient string matching", 1975. Each node is the beginning of a needle; its fallback is the longest other beginning that it ends with.
 */
export class Needles<T> {
  /** The edges, a hash table: from a node, by a unit, to a node. */
  private readonly edges: Int32Array;
  private readonly mask: number;
  /** Of each node its fallback, how long the beginning is, and where a needle ends: the node itself, else the longest of its fallbacks; 0 for none. */
  private readonly nodes: Int32Array;
  private readonly found = new Map<number, T[]>();
  /** Whether a needle may begin with a unit that ends in these eight bits: most of a text is passed by that alone. */
  private readonly first = new Uint8Array(256);
  private count = 1;
  private steps = 0;

  constructor(needles: readonly Needle<T>[]) {
    const units = needles.reduce((sum, { form }) => sum + form.length, 0);
    const size = 2 ** Math.ceil(Math.log2(2 * units + 2));
    this.mask = size - 1;
    this.edges = new Int32Array(edgeSize * size);
    this.nodes = new Int32Array(nodeSize * (units + 1));
    for (const { form } of needles) this.first[form.charCodeAt(0) & 0xff] = 1;
    const grown = { from: new Int32Array(units + 1), unit: new Uint16Array(units + 1) };
    for (const { form, of } of needles) {
      let node = 0;
      for (let index = 0; index < form.length; index++) node = this.grown(node, form.charCodeAt(index), grown);
      if (node === 0) continue;
      const same = this.found.get(node);
      if (same) same.push(of);
      else this.found.set(node, [of]);
      this.nodes[nodeSize * node + ending] = node;
    }
    // Short beginnings first: whatever a node may fall back to is then there before it.
    for (const node of this.byDepth()) {
      const from = grown.from[node] ?? 0;
      if (from > 0) this.nodes[nodeSize * node + fallback] = this.next(this.of(from, fallback), grown.unit[node] ?? 0);
      this.nodes[nodeSize * node + ending] ||= this.of(this.of(node, fallback), ending);
    }
  }

  get isEmpty(): boolean {
    return this.count === 1;
  }

  /** How many edges and needles were looked at, ever: what the work is measured by. */
  get work(): number {
    return this.steps;
  }

  /**
   * Asks of the needles that end behind a unit of a text, the longest first, whether they are meant, until one is: what ends in the same place is a part of
   * it. Where `mayEnd` says no, none is asked.
   */
  search(text: Uint16Array, mayEnd: (end: number) => boolean, isMeant: (of: T, start: number, end: number) => boolean): void {
    const { first } = this;
    for (let at = 0, node = 0; at < text.length; at++) {
      const unit = text[at] ?? 0;
      if (node === 0 && first[unit & 0xff] === 0) continue;
      node = this.next(node, unit);
      const ended = this.of(node, ending);
      if (ended !== 0 && mayEnd(at + 1)) this.ask(ended, at + 1, isMeant);
    }
  }

  /** By itself: a function made in a loop costs each round of it a scope. */
  private ask(longest: number, end: number, isMeant: (of: T, start: number, end: number) => boolean): void {
    for (let ended = longest; ended > 0; ended = this.of(this.of(ended, fallback), ending)) {
      const start = end - this.of(ended, depth);
      this.steps++;
      if (this.found.get(ended)?.some((of) => isMeant(of, start, end)) === true) return;
    }
  }

  private of(node: number, what: number): number {
    return this.nodes[nodeSize * node + what] ?? 0;
  }

  private next(node: number, unit: number): number {
    for (let from = node; ; from = this.of(from, fallback)) {
      this.steps++;
      const to = this.edges[this.slotOf(from, unit) + 2] ?? 0;
      if (to > 0 || from === 0) return to;
    }
  }

  private grown(
    node: number,
    unit: number,
    { from, unit: units }: { readonly from: Int32Array; readonly unit: Uint16Array },
  ): number {
    const slot = this.slotOf(node, unit);
    const known = this.edges[slot + 2] ?? 0;
    if (known > 0) return known;
    const grown = this.count++;
    this.edges[slot] = node;
    this.edges[slot + 1] = unit;
    this.edges[slot + 2] = grown;
    this.nodes[nodeSize * grown + depth] = this.of(node, depth) + 1;
    from[grown] = node;
    units[grown] = unit;
    return grown;
  }

  /** All nodes but the first, those of short beginnings first. */
  private byDepth(): Int32Array {
    const ends = [0];
    for (let node = 1; node < this.count; node++) {
      const at = this.of(node, depth);
      ends[at] = (ends[at] ?? 0) + 1;
    }
    let before = 0;
    const next = Array.from(ends, (many) => (before += many) - many);
    const inOrder = new Int32Array(this.count - 1);
    for (let node = 1; node < this.count; node++) {
      const at = this.of(node, depth);
      const place = next[at] ?? 0;
      inOrder[place] = node;
      next[at] = place + 1;
    }
    return inOrder;
  }

  /** Where an edge is, or belongs. */
  private slotOf(node: number, unit: number): number {
    const { edges, mask } = this;
    const mixed = Math.imul(node, nodeFactor) ^ Math.imul(unit, unitFactor);
    for (let slot = (mixed ^ (mixed >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const at = edgeSize * slot;
      if (edges[at + 2] === 0 || (edges[at] === node && edges[at + 1] === unit)) return at;
    }
  }
}
