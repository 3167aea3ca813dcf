import { deepest, readCondition, readFact, type Condition } from './condition.ts';
import { readHedging, type Hedging } from './hedging.ts';
import { causeNames, type Cause, type RetryPolicy } from './plan.ts';
import { Reading } from './reading.ts';

/** One of several ways, with its share. */
export interface Share {
  readonly weight: number;
  readonly route: RouteNode;
}

/** A choice of models: one model, or a way to choose among smaller choices. All of them are tried before a generation fails. */
export type RouteNode =
  /** This model. */
  | { readonly mode: 'single'; readonly model: string }
  /** The first; the next where it fails. */
  | { readonly mode: 'fallback'; readonly among: readonly RouteNode[] }
  /** One by chance, as often as its weight says; the others behind it, heaviest first. */
  | { readonly mode: 'weighted'; readonly among: readonly Share[] }
  /** The same one each time for the same value of a fact, in the same shares; the others behind it. Without the fact: by chance. */
  | { readonly mode: 'sticky'; readonly by: string; readonly among: readonly Share[] }
  /** The first whose condition holds. */
  | {
      readonly mode: 'conditional';
      readonly cases: readonly { readonly when: Condition; readonly route: RouteNode }[];
      readonly otherwise: RouteNode;
    }
  /** One of those whose first token has lately come at most `bufferMs` later than that of the fastest, by chance; the others behind it. */
  | { readonly mode: 'latency'; readonly among: readonly RouteNode[]; readonly bufferMs: number }
  /** By what the generation would cost, cheapest first; where the price is unknown, last. */
  | { readonly mode: 'cost'; readonly among: readonly RouteNode[] };

export type RouteMode = RouteNode['mode'];
const routeModes = ['single', 'fallback', 'weighted', 'sticky', 'conditional', 'latency', 'cost'] as const satisfies RouteMode[];

/** What a version of a route says. */
export interface RouteDefinition {
  readonly route: RouteNode;
  /** Where to go after a failure by this cause, instead of to the next model. */
  readonly on: Partial<Record<Cause, RouteNode>>;
  readonly retry: Partial<Record<Cause, RetryPolicy>>;
  /** When a second model is asked beside a late first one; null: never. */
  readonly hedging: Hedging | null;
}

const mostEntries = 20;
const mostNodes = 100;
const usualBufferMs = 200;
const longestDelayMs = 60_000;
const mostTries = 10;

/**
 * Reads the definition that a person wrote, and fills in defaults. INVALID_INPUT names the place of what is wrong. `problemOf` says why a model
 * cannot be in it; null when it can.
 */
export function readDefinition(
  given: unknown,
  problemOf: (id: string) => string | null,
  path: readonly string[],
): RouteDefinition {
  const fields = ['route', 'on', 'retry', 'hedge', 'hedgeAfterMs'] as const;
  const { route, on, retry, hedge, hedgeAfterMs } = new Reading(given, path).object(fields);
  const nodes = new Nodes(problemOf);
  return {
    route: nodes.read(route),
    on: byCause(on, (node) => nodes.read(node)),
    retry: byCause(retry, readRetry),
    hedging: readHedging(hedge, hedgeAfterMs),
  };
}

class Nodes {
  private count = 0;

  constructor(private readonly problemOf: (id: string) => string | null) {}

  read(reading: Reading, depth = 1): RouteNode {
    if (depth > deepest) reading.refuse(`routes may be ${deepest} levels deep`);
    if (++this.count > mostNodes) reading.refuse(`a route has at most ${mostNodes} parts`);
    const parts = reading.object(['mode', 'model', 'among', 'by', 'cases', 'otherwise', 'bufferMs']);
    // `{ model }` alone is a route, too.
    const mode = parts.mode.isGiven || !parts.model.isGiven ? parts.mode.oneOf(routeModes) : 'single';
    const needs: readonly (keyof typeof parts)[] = ['mode', ...fieldsOf[mode]];
    for (const [field, at] of Object.entries(parts))
      if (at.isGiven && !needs.some((need) => need === field)) at.refuse(`a route by ${mode} has no ${field}`);
    const next = (at: Reading): RouteNode => this.read(at, depth + 1);
    switch (mode) {
      case 'single':
        return { mode, model: this.model(parts.model) };
      case 'fallback':
      case 'cost':
        return { mode, among: parts.among.list(1, mostEntries, next) };
      case 'latency':
        return {
          mode,
          among: parts.among.list(1, mostEntries, next),
          bufferMs: parts.bufferMs.maybe((at) => at.number(0, longestDelayMs)) ?? usualBufferMs,
        };
      case 'weighted':
        return { mode, among: this.shares(parts.among, next) };
      case 'sticky':
        return { mode, by: readFact(parts.by), among: this.shares(parts.among, next) };
      case 'conditional':
        return {
          mode,
          cases: parts.cases.list(1, mostEntries, (entry) => {
            const { when, route } = entry.object(['when', 'route']);
            return { when: readCondition(when), route: next(route) };
          }),
          otherwise: next(parts.otherwise),
        };
      default:
        return mode satisfies never;
    }
  }

  private model(reading: Reading): string {
    const id = reading.text();
    const problem = this.problemOf(id);
    return problem === null ? id : reading.refuse(`${problem}; \`models\` lists them`);
  }

  private shares(reading: Reading, next: (at: Reading) => RouteNode): Share[] {
    const shares = reading.list(1, mostEntries, (entry) => {
      const { weight, route } = entry.object(['weight', 'route']);
      return { weight: weight.number(0, 1_000_000), route: next(route) };
    });
    return shares.some(({ weight }) => weight > 0) ? shares : reading.refuse('at least one weight has to be above 0');
  }
}

const fieldsOf = {
  single: ['model'],
  fallback: ['among'],
  weighted: ['among'],
  sticky: ['by', 'among'],
  conditional: ['cases', 'otherwise'],
  latency: ['among', 'bufferMs'],
  cost: ['among'],
} as const satisfies Record<RouteMode, readonly string[]>;

function byCause<T>(reading: Reading, read: (at: Reading) => T): Partial<Record<Cause, T>> {
  if (!reading.isGiven) return {};
  const given = Object.entries(reading.object(causeNames)).filter(([, at]) => at.isGiven);
  return Object.fromEntries(given.map(([cause, at]) => [cause, read(at)]));
}

function readRetry(reading: Reading): RetryPolicy {
  const { tries, firstDelayMs, longestDelayMs: longest } = reading.object(['tries', 'firstDelayMs', 'longestDelayMs']);
  const first = firstDelayMs.maybe((at) => at.whole(0, longestDelayMs)) ?? 250;
  return {
    tries: tries.whole(1, mostTries),
    firstDelayMs: first,
    longestDelayMs: longest.maybe((at) => at.whole(first, longestDelayMs)) ?? Math.max(first, 10_000),
  };
}
