import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { ProofEnd } from '../graphql/standing.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { leewaySeconds } from './token.service.ts';

/** What is withdrawn ends within 5 s: 3 s that a token may be remembered, this long to the next look, and the look. */
const lookMs = 1_500;
const lookDeadlineMs = 3_000;
/** No timer waits longer than 24 days. */
const longestTimerMs = 86_400_000;

/** Something that is open because of a token. */
interface Watcher {
  /** The revision of the issuer by which the token was taken. */
  readonly revision: number | null;
  readonly onEnd: () => void;
}

interface Parts {
  readonly database: Database;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly revisionOf: (scope: Scope) => number | null;
  /** Told of issuers whose tokens prove something else than before, or nothing. */
  readonly onChange: (issuerIds: readonly string[]) => void;
}

/**
 * Ends what outlives its token: a timer for each, and one look at all their issuers together, every 1.5 s and on each hint that one of them
 * changed. The hint makes it quick, the looking makes it sure.
 */
export class TokenWatch {
  private readonly watched = new Map<string, Set<Watcher>>();
  private readonly unsubscribe: (() => void)[] = [];
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;
  /** A hint came while a look was under way. */
  private isStale = false;

  constructor(private readonly parts: Parts) {}

  open(): void {
    const { bus } = this.parts;
    this.unsubscribe.push(
      bus.on('issuer.changed', ({ ids }) => {
        if (ids.some((id) => this.watched.has(id))) this.look();
      }),
      bus.onGap(() => this.look()),
    );
    this.timer = setInterval(() => this.look(), lookMs);
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    for (const stop of this.unsubscribe) stop();
    this.isStale = false;
    await this.looking;
  }

  /** Calls `onEnd` once, with what to say, when the token of a scope proves it no more; never at once. Returns how to stop. */
  watch(scope: Scope, onEnd: (error: AppError, end: ProofEnd) => void): () => void {
    const { proof } = scope;
    if (proof.kind !== 'token') return () => undefined;
    const watchers = this.watched.get(proof.id) ?? new Set();
    this.watched.set(proof.id, watchers);
    const watcher: Watcher = {
      revision: this.parts.revisionOf(scope),
      onEnd: () => end(new AppError('FORBIDDEN', 'the issuer of this token was changed or deleted'), 'was withdrawn'),
    };
    watchers.add(watcher);
    const stopTimer = this.at(proof.expiresAt.getTime() + leewaySeconds * 1_000, () =>
      end(new AppError('FORBIDDEN', 'this token has run out'), 'ran out'),
    );
    const stop = (): void => {
      stopTimer();
      watchers.delete(watcher);
      if (watchers.size === 0 && this.watched.get(proof.id) === watchers) this.watched.delete(proof.id);
    };
    const end = (error: AppError, how: ProofEnd): void => {
      stop();
      onEnd(error, how);
    };
    return stop;
  }

  /** Calls `work` at a moment, however far away. */
  private at(moment: number, work: () => void): () => void {
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const left = moment - this.parts.clock.now().getTime();
      timer = setTimeout(left > longestTimerMs ? wait : work, Math.max(1, Math.min(left, longestTimerMs)));
      // Sockets keep a process up, not what waits to close them.
      timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  }

  private look(): void {
    this.isStale = this.looking !== null;
    this.looking ??= this.round().finally(() => {
      this.looking = null;
      if (this.isStale) this.look();
    });
  }

  private async round(): Promise<void> {
    const ids = [...this.watched.keys()];
    if (ids.length === 0) return;
    try {
      // One of the acts without a tenant (protocol.md, rule 20): the issuers are of whoever is connected.
      const rows = await this.parts.database.engine.sql<{ id: string; revision: number }>(
        (sql) => sql`
          select id, revision from issuers
          where id = any(${ids.map((id) => uuidOf(id, 'iss'))}::uuid[]) and is_enabled and deleted_at is null`,
        { idempotent: true, deadlineMs: lookDeadlineMs },
      );
      const revisions = new Map(rows.map(({ id, revision }) => [idOfUuid('iss', id), revision]));
      for (const id of ids) this.compare(id, revisions.get(id) ?? null);
    } catch (err) {
      // The next look decides.
      this.parts.log.warn({ err, issuers: ids.length }, 'could not look whether issuers are still registered');
    }
  }

  private compare(id: string, revision: number | null): void {
    const over = [...(this.watched.get(id) ?? [])].filter(
      (watcher) => revision === null || (watcher.revision !== null && watcher.revision < revision),
    );
    if (over.length === 0) return;
    // First of all, so that nobody comes back with what is remembered.
    this.parts.onChange([id]);
    for (const { onEnd } of over) onEnd();
  }
}
