import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import type { Permission, Proof, Scope, ScopeEvents } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { isSameSet, lookMs, type Standing } from './standing.ts';

/** Who has something open: everybody with the same proof and member stands the same. */
export interface Watched {
  readonly proof: Proof;
  readonly tenantId: string;
  readonly memberId: string;
}

/** Looks at many at once, in one statement: how it stands with each, in their order. Null is nobody any more. */
export type Look = (watched: readonly Watched[]) => Promise<readonly (Standing | null)[]>;

interface Listener {
  readonly scope: Scope;
  readonly events: ScopeEvents<AppError>;
  /** What it was last known to hold. */
  held: ReadonlySet<Permission>;
}

interface Group extends Watched {
  readonly listeners: Set<Listener>;
  /** On the monotonic clock; known since the last look, so that a key runs out even while the database is away. */
  endsAt: number;
}

interface Parts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  /** How it stands with proofs of each kind; a kind without one is let in nowhere for long. */
  readonly looks: Readonly<Partial<Record<Proof['kind'], Look>>>;
  /** Told whose standing is found to be another than before: the ids of what proved them. */
  readonly onNews: (proofIds: readonly string[]) => void;
}

/**
 * Keeps what is open true to what its people may do: ends what outlives its key, its member or its tenant, and tells who is left with
 * other permissions. All in this process are looked at together, every 1.5 s and on each hint that something of theirs changed. The hint
 * makes it quick, the looking makes it sure.
 */
export class AccessWatch {
  private readonly groups = new Map<string, Group>();
  private readonly unsubscribe: (() => void)[] = [];
  private readonly looks = new Rounds(() => this.round());

  constructor(private readonly parts: Parts) {}

  open(): void {
    const { bus } = this.parts;
    const onHint = ({ ids }: { ids: readonly string[] }): void => {
      const named = new Set(ids);
      for (const { proof, memberId, tenantId } of this.groups.values())
        if (named.has(proof.id) || named.has(memberId) || named.has(tenantId)) return this.looks.ask();
    };
    this.unsubscribe.push(
      bus.on('key.changed', onHint),
      bus.on('access.changed', onHint),
      bus.onGap(() => this.looks.ask()),
    );
    this.looks.open(lookMs, 'ask');
  }

  async close(): Promise<void> {
    for (const stop of this.unsubscribe) stop();
    await this.looks.close();
  }

  /** Keeps the scope true, and tells what became of it; returns how to stop. */
  watch(scope: Scope, events: ScopeEvents<AppError>): () => void {
    const { proof, tenantId, memberId } = scope;
    const key = `${proof.kind} ${proof.id} ${memberId}`;
    const group = this.groups.get(key) ?? { proof, tenantId, memberId, listeners: new Set(), endsAt: Infinity };
    this.groups.set(key, group);
    const listener: Listener = { scope, events, held: events.held ?? scope.held };
    group.listeners.add(listener);
    return () => {
      group.listeners.delete(listener);
      if (group.listeners.size === 0 && this.groups.get(key) === group) this.groups.delete(key);
    };
  }

  private async round(): Promise<void> {
    const now = this.parts.clock.monotonic();
    for (const [key, group] of this.groups) if (group.endsAt <= now) this.end(key, group, null);
    const byKind = Map.groupBy(this.groups, ([, { proof }]) => proof.kind);
    await Promise.all([...byKind].map(([kind, groups]) => this.lookAt(kind, groups)));
  }

  private async lookAt(kind: Proof['kind'], groups: readonly [string, Group][]): Promise<void> {
    const { clock, log, looks } = this.parts;
    const now = clock.monotonic();
    const look = looks[kind];
    if (!look) {
      const refusal = new AppError('FORBIDDEN', `nothing stays open with this ${kind}`);
      for (const [key, group] of groups) this.end(key, group, refusal);
      return;
    }
    try {
      const watched = groups.map(([, group]) => group);
      const standings = await look(watched);
      groups.forEach(([key, group], index) => {
        const standing = standings[index] ?? null;
        if (standing === null || standing.refusal) return this.end(key, group, standing?.refusal ?? null);
        group.endsAt = now + standing.endsInMs;
        this.update(group, standing.held);
      });
    } catch (err) {
      // The next look decides.
      log.warn({ err, kind, watched: groups.length }, 'could not look who is still let in');
    }
  }

  private update({ proof, listeners }: Group, held: ReadonlySet<Permission>): void {
    const changed = [...listeners].filter((listener) => !isSameSet(listener.held, held));
    if (changed.length === 0) return;
    // First of all, so that nobody comes back with what is remembered.
    this.parts.onNews([proof.id]);
    // Several may share a scope: it is changed for all before anybody acts on it.
    for (const listener of changed) {
      listener.held = held;
      listener.scope.change(held);
    }
    for (const { events } of changed) events.onChange?.();
  }

  private end(key: string, group: Group, refusal: AppError | null): void {
    this.parts.onNews([group.proof.id]);
    if (this.groups.get(key) === group) this.groups.delete(key);
    const error = refusal ?? new AppError('FORBIDDEN', `this ${group.proof.kind} was revoked or has expired`);
    for (const { events } of group.listeners) events.onEnd(error);
  }
}
