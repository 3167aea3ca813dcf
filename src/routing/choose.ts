import { createHash } from 'node:crypto';
import { factOf, holds } from './condition.ts';
import type { Facts } from './facts.ts';
import type { RouteDefinition, RouteMode, RouteNode, Share } from './tree.ts';
import type { Cause } from './plan.ts';

/** What choosing needs to know of the world. */
export interface World {
  readonly now: Date;
  /** 0 up to, not including, 1. */
  readonly random: () => number;
  /** How long a model's first token has lately taken, in milliseconds; null when nobody knows. */
  readonly latencyMs: (model: string) => number | null;
  /** Until when a model that has failed too often is not asked; null for one that may be. */
  readonly blockedUntil: (model: string) => Date | null;
  /** What a generation of these facts would cost with a model, in millionths of a dollar; null when the price is unknown. */
  readonly costMicros: (model: string, facts: Facts) => number | null;
  /** Why a model cannot write a generation of these facts, as when nobody offers it any more; null when it can. */
  readonly misfit: (model: string, facts: Facts) => string | null;
}

/** One decision on the way. */
export interface Step {
  /** Where in the definition: `route`, `route.cases[0].route`, `on.RATE_LIMIT`. */
  readonly at: string;
  readonly mode: RouteMode;
  /** Why it chose so, for people. */
  readonly reason: string;
}

/** What a route comes to for one generation. */
export interface Chosen {
  /** In the order of trying; each once. Those that cannot write it are left out: empty when none can. */
  readonly models: readonly string[];
  readonly branches: Partial<Record<Cause, readonly string[]>>;
  readonly steps: readonly Step[];
  /** How often each model would be the first, were the same asked again and again; they add up to 1. */
  readonly shares: ReadonlyMap<string, number>;
}

/** Follows a route for a generation with these facts. */
export function choose({ route, on }: RouteDefinition, facts: Facts, world: World): Chosen {
  const walk = new Walk(facts, world);
  const { models, shares } = walk.inTryingOrder(walk.follow(route, 'route'), 'route', route);
  const branches = Object.entries(on)
    .map(([cause, node]) => {
      const at = `on.${cause}`;
      return [cause, walk.inTryingOrder(walk.follow(node, at), at, node).models] as const;
    })
    // Without a model left a branch leads nowhere: the next model of the route is better.
    .filter(([, ways]) => ways.length > 0);
  return { models, shares, branches: Object.fromEntries(branches) as Chosen['branches'], steps: walk.steps };
}

/** The same models, the blocked ones behind the others. `reasons` says for people which these are, and until when. */
export function blockedLast(
  models: readonly string[],
  blockedUntil: World['blockedUntil'],
): { readonly models: readonly string[]; readonly reasons: readonly string[] } {
  const untils = models.flatMap((model) => {
    const until = blockedUntil(model);
    return until ? [{ model, until }] : [];
  });
  if (untils.length === 0) return { models, reasons: [] };
  const blocked = untils.map(({ model }) => model);
  return {
    models: [...models.filter((model) => !blocked.includes(model)), ...blocked],
    reasons: untils.map(({ model, until }) => `${model} failed too often lately: last until ${until.toISOString()}`),
  };
}

/** Where a part of a route leads. */
interface Way {
  /** In the order of trying; one may be in it twice. */
  readonly models: readonly string[];
  /** How often each model would be the first, 0 to 1. */
  readonly shares: ReadonlyMap<string, number>;
  /** The same, counting only models that are not blocked; empty where all are. */
  readonly available: ReadonlyMap<string, number>;
}

/** How one of several shares is picked. */
interface Pointed {
  /** 0 to 1: where on the line on which all weights lie one behind the other. */
  readonly point: number;
  /**
   * A second point, for when the share at `point` has no model left: it picks among the shares that are left, so that only those move who were at
   * the lost one. Absent: `point` itself picks among the shares that are left.
   */
  readonly again?: number;
  /** Whether the same share is picked each time. */
  readonly isFixed: boolean;
  /** What picked it, for people. */
  readonly how: string;
}

class Walk {
  readonly steps: Step[] = [];

  constructor(
    private readonly facts: Facts,
    private readonly world: World,
  ) {}

  follow(node: RouteNode, at: string): Way {
    switch (node.mode) {
      case 'single': {
        const misfit = this.world.misfit(node.model, this.facts);
        if (misfit !== null) {
          this.step(at, node, `${misfit}: left out`);
          return inOrder([]);
        }
        this.step(at, node, `the model ${node.model}`);
        const shares = new Map([[node.model, 1]]);
        return { models: [node.model], shares, available: this.world.blockedUntil(node.model) ? new Map() : shares };
      }
      case 'fallback': {
        this.step(at, node, `${node.among.length} in order`);
        return inOrder(this.alive(node, at));
      }
      case 'weighted':
        return this.pick(node, at, { point: this.world.random(), isFixed: false, how: 'by chance' });
      case 'sticky': {
        const subject = factOf(node.by, this.facts);
        if (subject === null)
          return this.pick(node, at, { point: this.world.random(), isFixed: false, how: `by chance, there is no ${node.by}` });
        const text = `${node.by}\n${typeof subject}\n${subject}`;
        return this.pick(node, at, {
          point: fractionOf(text),
          again: fractionOf(`${text}\n`),
          isFixed: true,
          how: `by ${node.by}`,
        });
      }
      case 'conditional': {
        const found = this.caseOf(node);
        const chosen = node.cases[found];
        this.step(at, node, chosen ? `case ${found} holds` : 'no case holds');
        return chosen ? this.follow(chosen.route, `${at}.cases[${found}].route`) : this.follow(node.otherwise, `${at}.otherwise`);
      }
      case 'latency':
        return this.fastest(node, at);
      case 'cost':
        return this.cheapest(node, at);
      default:
        return node satisfies never;
    }
  }

  /** Each model once, the blocked ones behind the others. The others get their shares. */
  inTryingOrder({ models, shares, available }: Way, at: string, node: RouteNode): Omit<Way, 'available'> {
    const { models: ordered, reasons } = blockedLast([...new Set(models)], this.world.blockedUntil);
    for (const reason of reasons) this.step(at, node, reason);
    return { models: ordered, shares: available.size > 0 ? available : shares };
  }

  /** Picks a share by weight: its models come first, then those of the other shares, heaviest first. */
  private pick(node: { mode: RouteMode; among: readonly Share[] }, at: string, { point, again, isFixed, how }: Pointed): Way {
    const weights = node.among.map(({ weight, route }) => (this.isAlive(route) ? weight : 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const usual =
      again === undefined
        ? -1
        : reachedAt(
            node.among.map(({ weight }) => weight),
            point,
          );
    const picked = (weights[usual] ?? 0) > 0 ? usual : reachedAt(weights, again ?? point);
    const told = picked === -1 ? 'none that has a weight is left' : `entry ${picked}, with ${weights[picked]} of ${total}`;
    this.step(at, node, `${how}: ${told}`);
    const ways = node.among.map(({ route }, index) => ({
      weight: weights[index] ?? 0,
      index,
      ...this.follow(route, `${at}.among[${index}].route`),
    }));
    const ledBy = (first: number): Way =>
      inOrder([
        ...ways.filter(({ index }) => index === first),
        ...ways.filter(({ index }) => index !== first).toSorted((a, b) => b.weight - a.weight),
      ]);
    const way = ledBy(picked);
    if (isFixed || total === 0) return way;
    return mixed(
      way,
      ways.flatMap(({ weight, index }) => (weight > 0 ? [[ledBy(index), weight / total] as const] : [])),
    );
  }

  private fastest(node: Extract<RouteNode, { mode: 'latency' }>, at: string): Way {
    const ways = this.alive(node, at).map((way) => {
      return { ...way, latencyMs: this.world.latencyMs(way.models[0] ?? '') };
    });
    const known = ways.flatMap(({ latencyMs }) => latencyMs ?? []);
    const within = Math.min(...known) + node.bufferMs;
    // One that nobody has called lately is worth a try: else it would never be known.
    const near = ways.filter(({ latencyMs }) => latencyMs === null || latencyMs <= within);
    const picked = near[Math.min(near.length - 1, Math.floor(this.world.random() * near.length))];
    const ordered = ways.toSorted((a, b) => (a.latencyMs ?? 0) - (b.latencyMs ?? 0));
    const ledBy = (first: Way | undefined): Way =>
      inOrder([...(first ? [first] : []), ...ordered.filter((way) => way !== first)]);
    const told = ways.map(
      ({ models: [model], latencyMs }) => `${model} ${latencyMs === null ? 'unknown' : `${Math.round(latencyMs)} ms`}`,
    );
    this.step(at, node, `${told.join(', ')}: by chance among the ${near.length} within ${node.bufferMs} ms of the fastest`);
    return mixed(
      ledBy(picked),
      near.map((way) => [ledBy(way), 1 / near.length] as const),
    );
  }

  private cheapest(node: Extract<RouteNode, { mode: 'cost' }>, at: string): Way {
    const ways = this.alive(node, at).map((way) => {
      return { ...way, costMicros: this.world.costMicros(way.models[0] ?? '', this.facts) };
    });
    const highest = Number.MAX_SAFE_INTEGER;
    const ordered = ways.toSorted((a, b) => (a.costMicros ?? highest) - (b.costMicros ?? highest));
    const told = ordered.map(
      ({ models: [model], costMicros }) => `${model} ${costMicros === null ? 'unknown' : `${costMicros} micros`}`,
    );
    this.step(at, node, `cheapest first: ${told.join(', ')}`);
    return inOrder(ordered);
  }

  /** The ways of those that still have a model. */
  private alive({ among }: { readonly among: readonly RouteNode[] }, at: string): Way[] {
    return among.map((each, index) => this.follow(each, `${at}.among[${index}]`)).filter(({ models }) => models.length > 0);
  }

  /** The first case whose condition holds and whose part has a model that can write it; -1 for none. */
  private caseOf({ cases }: Extract<RouteNode, { mode: 'conditional' }>): number {
    return cases.findIndex(({ when, route }) => holds(when, this.facts, this.world.now) && this.isAlive(route));
  }

  /** Whether following this part of the route leads to a model that can write it. */
  private isAlive(node: RouteNode): boolean {
    switch (node.mode) {
      case 'single':
        return this.world.misfit(node.model, this.facts) === null;
      case 'weighted':
      case 'sticky':
        return node.among.some(({ route }) => this.isAlive(route));
      case 'conditional':
        return this.caseOf(node) !== -1 || this.isAlive(node.otherwise);
      default:
        return node.among.some((each) => this.isAlive(each));
    }
  }

  private step(at: string, { mode }: { readonly mode: RouteMode }, reason: string): void {
    this.steps.push({ at, mode, reason });
  }
}

/** Which of these weights a point of all of them is in; -1 where there are none above 0. */
function reachedAt(weights: readonly number[], point: number): number {
  let left = point * weights.reduce((sum, weight) => sum + weight, 0);
  const reached = weights.findIndex((weight) => weight > 0 && (left -= weight) < 0);
  // The last one where rounding has left a rest.
  return reached === -1 ? weights.findLastIndex((weight) => weight > 0) : reached;
}

/** One way behind the other. A way has the first model only if all ways before it are empty. */
function inOrder(ways: readonly Way[]): Way {
  return {
    models: ways.flatMap(({ models }) => models),
    shares: ways.find(({ shares }) => shares.size > 0)?.shares ?? new Map(),
    available: ways.find(({ available }) => available.size > 0)?.available ?? new Map(),
  };
}

/** The models of one way, and the shares of all ways that chance could have taken, each by how likely it is. */
function mixed({ models }: Way, parts: readonly (readonly [Way, number])[]): Way {
  return { models, shares: sharesOf(parts, 'shares'), available: sharesOf(parts, 'available') };
}

function sharesOf(parts: readonly (readonly [Way, number])[], kind: 'shares' | 'available'): Map<string, number> {
  const sum = new Map<string, number>();
  for (const [way, part] of parts) for (const [model, share] of way[kind]) sum.set(model, (sum.get(model) ?? 0) + share * part);
  return sum;
}

/** A number from 0 to 1 that is always the same for a text, and evenly spread over texts. */
function fractionOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}
