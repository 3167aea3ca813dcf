import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import type { Permission, Proof, Scope, ScopeEvents } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { isSameSet, lookDeadlineMs, lookMs, type Standing } from './standing.ts';
import { readTokenStandings } from './token-standing.ts';
import { leewaySeconds } from './token-check.ts';

/** No timer waits longer than 24 days. */
const longestTimerMs = 86_400_000;

type TokenProof = Extract<Proof, { kind: 'token' }>;

/** Something that is open because of a token. */
interface Watcher {
  readonly scope: Scope;
  readonly proof: TokenProof;
  readonly onChange: (() => void) | undefined;
  /** Ends it, once. */
  readonly end: (error: AppError) => void;
  /** What it was last known to hold. */
  held: ReadonlySet<Permission>;
}

interface Parts {
  readonly database: Database;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of whom something else is so than before: ids of issuers and members. */
  readonly onNews: (ids: readonly string[]) => void;
}

/**
 * Keeps what is open by a token true: a timer for each ends it with its token, and one look at all their issuers, members and roles together,
 * every 1.5 s and on each hint that one of them changed, ends what is withdrawn and tells who may do something else than before.
 */
export class TokenWatch {
  private readonly watchers = new Set<Watcher>();
  private readonly unsubscribe: (() => void)[] = [];
  private readonly looks = new Rounds(() => this.round());

  constructor(private readonly parts: Parts) {}

  open(): void {
    const { bus } = this.parts;
    const onHint = ({ ids }: { ids: readonly string[] }): void => {
      const named = new Set(ids);
      for (const { proof, scope } of this.watchers)
        if (named.has(proof.id) || named.has(scope.memberId) || named.has(scope.tenantId)) return this.looks.ask();
    };
    this.unsubscribe.push(
      bus.on('issuer.changed', onHint),
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
    const { proof } = scope;
    if (proof.kind !== 'token') return () => undefined;
    const stopTimer = this.at(proof.expiresAt.getTime() + leewaySeconds * 1_000, () => {
      stop();
      if (events.onRunOut) events.onRunOut();
      else events.onEnd(new AppError('FORBIDDEN', 'this token has run out'));
    });
    const stop = (): void => {
      stopTimer();
      this.watchers.delete(watcher);
    };
    const end = (error: AppError): void => {
      stop();
      events.onEnd(error);
    };
    const watcher: Watcher = { scope, proof, onChange: events.onChange, end, held: events.held ?? scope.held };
    this.watchers.add(watcher);
    return stop;
  }

  /** Calls `work` at a moment, however far away; never at once. */
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

  private async round(): Promise<void> {
    const watchers = [...this.watchers];
    if (watchers.length === 0) return;
    const { engine } = this.parts.database;
    try {
      const holders = watchers.map(({ scope: { tenantId, memberId }, proof: { roles } }) => ({ tenantId, memberId, roles }));
      const ids = [...new Set(watchers.map(({ proof }) => uuidOf(proof.id, 'iss')))];
      const [standings, rows] = await Promise.all([
        readTokenStandings(engine, holders, lookDeadlineMs),
        // One of the acts without a tenant (protocol.md, rule 20): the issuers are of whoever is connected.
        engine.sql<{ id: string; revision: number }>(
          (sql) => sql`select id, revision from issuers where id = any(${ids}::uuid[]) and is_enabled and deleted_at is null`,
          { idempotent: true, deadlineMs: lookDeadlineMs },
        ),
      ]);
      const revisions = new Map(rows.map(({ id, revision }) => [idOfUuid('iss', id), revision]));
      this.heed(
        watchers.map((watcher, index) => ({
          watcher,
          error: errorOf(watcher, revisions, standings[index]),
          standing: standings[index],
        })),
      );
    } catch (err) {
      // The next look decides.
      this.parts.log.warn({ err, watched: watchers.length }, 'could not look whether tokens are still good');
    }
  }

  private heed(seen: readonly { watcher: Watcher; error: AppError | null; standing: Standing | null | undefined }[]): void {
    const over = seen.filter(({ watcher, error }) => error !== null && this.watchers.has(watcher));
    const changed = seen.flatMap(({ watcher, error, standing }) =>
      error === null && standing?.refusal === null && !isSameSet(watcher.held, standing.held)
        ? [{ watcher, held: standing.held }]
        : [],
    );
    // First of all, so that nobody comes back with what is remembered.
    const news = [...over, ...changed].flatMap(({ watcher }) => [watcher.proof.id, watcher.scope.memberId]);
    if (news.length > 0) this.parts.onNews(news);
    for (const { watcher, error } of over) if (error) watcher.end(error);
    // Several may share a scope: it is changed for all before anybody acts on it.
    for (const { watcher, held } of changed) {
      watcher.held = held;
      watcher.scope.change(held);
    }
    for (const { watcher } of changed) if (this.watchers.has(watcher)) watcher.onChange?.();
  }
}

function errorOf(
  { proof }: Watcher,
  revisions: ReadonlyMap<string, number>,
  standing: Standing | null | undefined,
): AppError | null {
  const revision = revisions.get(proof.id);
  if (revision === undefined || revision > proof.revision)
    return new AppError('FORBIDDEN', 'the issuer of this token was changed or deleted');
  if (!standing) return new AppError('FORBIDDEN', 'you are no member any more');
  return standing.refusal;
}
