import { LRUCache } from 'lru-cache';
import type { Registry } from 'prom-client';
import type { Database } from '../db/client.ts';
import type { StatementOptions } from '../db/connection.ts';
import { hasDoneNothing } from '../db/failures.ts';
import { uuidOf } from '../db/ids.ts';
import { sql, type Statement } from '../db/statement.ts';
import type { Admission, Charge, ThrottleStatus } from '../graphql/admission.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { Ahead, boundsOf, nothingAhead } from './ahead.ts';
import { countAdmissions, type Admissions } from './metrics.ts';
import type { CostLimit } from './cost.ts';
import { Policy, type CallerLimits, type RateLimits } from './policy.ts';
import { TenantQueue } from './queue.ts';
import { refusalBy, refusalByCost, roomWords } from './refusal.ts';
import { slowest, unlimited, windowSeconds, type Quota } from './quota.ts';
import { countable, giveBack, startCounted, type Kind } from './take.ts';
import type { Asker, Empty, Short, Verdict } from './verdict.ts';
import { wishOf, type CallerKind, type Wish } from './wish.ts';

/** What the limits are built on. */
export interface LimitParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly registry: Registry;
  /** The limits of tenants that have none of their own. */
  readonly limits: RateLimits;
  /** How much their operations may cost; no limit when absent. */
  readonly cost?: CostLimit;
}

/** A start that was counted. */
export interface TakenStart {
  /** When, on the monotonic clock, just before the database was asked. */
  readonly askedAt: number;
}

/** How many unfinished generations a tenant, member and key may have; 0 for any number. */
export interface Room {
  readonly tenant: number;
  readonly member: number;
  readonly key: number;
}

/** Who asks, before it is known what to count ahead. */
type AskerNow = Omit<Asker, 'advance'>;

/** How many empty buckets, and tenants that could not pay, are remembered. */
const mostRemembered = 50_000;
/** For how long starts and costs are believed to be used up: other processes may give some back. */
const believedMs = 1_000;
const admitted: Verdict = { isAdmitted: true, refusedBy: null, quotas: [], cost: null };
const startAsker = (): AskerNow => ({ cost: 0, operation: null });
const noCost: CostLimit = { maximum: 0, restoreRate: 1 };

/**
 * The feature `limits`: how much a key, a member and a tenant may ask in a minute, exactly, for any number of processes. Buckets are rows
 * (`rates.table.ts`), and one statement decides for all who wait (`take.ts`). Memory knows which buckets are empty, and what was counted
 * ahead (`ahead.ts`). By that a caller may be refused too early, but nobody is admitted whom the database has not counted.
 */
export class LimitService {
  /** Which limits hold for whom. */
  readonly policy: Policy;
  private readonly queues = new Map<string, TenantQueue>();
  private readonly empty = new LRUCache<string, Empty>({ max: mostRemembered });
  /** What tenants could not pay for, by tenant. */
  private readonly short = new LRUCache<string, Short>({ max: mostRemembered });
  /** What was counted ahead, by the name of the wish. */
  private readonly ahead = new LRUCache<string, Ahead>({ max: 10_000 });
  /** The wishes of members' requests, by member. */
  private readonly wishes = new LRUCache<string, Pick<CallerLimits, 'tenant' | 'cost'> & { readonly wish: Wish | null }>({
    max: 10_000,
  });
  /** Counts what every limit let in and refused. */
  readonly admissions: Admissions;

  constructor(private readonly parts: LimitParts) {
    this.policy = new Policy(parts.database, parts.clock, parts.limits, parts.cost ?? noCost);
    this.admissions = countAdmissions(parts.registry);
  }

  /**
   * Counts one request of the scope's key, member and tenant, and reserves what it may cost; without a promise where memory knows the answer. Throws
   * UNAVAILABLE when it cannot be counted. `costOf` is not called when the request is known to be refused; else it is called before this returns,
   * if the tenant's limits are in memory. `begunOf` gives the scope that a start by this request will come with (`startWith`).
   */
  admit(scope: Scope, costOf: () => number = () => 0, begunOf: () => Scope | null = () => null): Admission | Promise<Admission> {
    const limits = this.policy.known(scope);
    return limits
      ? this.admitBy(scope, limits, costOf, begunOf)
      : this.policy.of(scope).then((found) => this.admitBy(scope, found, costOf, begunOf));
  }

  /** Whether the request that came with this scope is still being counted, so that a start could be sent right behind it. */
  isCounting(scope: Scope): boolean {
    return this.queues.get(scope.tenantId)?.isAsking(scope) ?? false;
  }

  /**
   * Sends the statement of a start: at once if its request is admitted, else right behind the statement that counts the request. `statement` has to take in `counted`,
   * which counts the start, and must have no effect when that has no row: then the request or the start was refused. Gives null when it cannot be
   * sent so, and no rows when it had no effect: `takeStart` has to decide then. `onRun` is as with any statement.
   */
  startWith(
    scope: Scope,
    isAdmitted: boolean,
    statement: (counted: Statement) => Statement,
    onRun?: StatementOptions['onRun'],
  ): Promise<unknown[]> | null {
    const limits = this.policy.known(scope);
    const ask = limits && wishOf(scope, 'starts', limits);
    if (!ask || ask.key || this.refuseEarly(scope.tenantId, ask, unlimited)) return null;
    const counted = (isTaken: Statement): Statement =>
      statement(startCounted(uuidOf(scope.tenantId, 'ten'), ask.subject, ask.most, isTaken));
    const sent = isAdmitted
      ? this.parts.database.as(scope).sql(() => counted(sql`true`), onRun && { onRun })
      : (this.queues.get(scope.tenantId)?.follow(scope, counted, onRun) ?? null);
    return sent && this.followed(sent);
  }

  /** Tells the database what was reserved and is not used after all. */
  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }

  /**
   * Counts the start of a generation, together with the request it came with: it is counted when both may be. Throws RATE_LIMITED
   * when the member has started too many, and what `admitted` throws.
   */
  async takeStart(scope: Scope, admitted: () => Promise<void> = () => Promise.resolve()): Promise<TakenStart> {
    const taken = { askedAt: this.parts.clock.monotonic() };
    const asked = Promise.resolve(this.decide(scope, 'starts'));
    // Heard below; it may come before the request is admitted.
    asked.catch(() => undefined);
    try {
      await admitted();
    } catch (refusal) {
      // As with a repeat: if it cannot be given back now, the window's end will.
      const start = await asked.catch(() => null);
      if (start?.isAdmitted) await this.returnStart(scope, taken).catch(() => undefined);
      throw refusal;
    }
    const { isAdmitted, refusedBy } = await asked;
    if (isAdmitted) return taken;
    const { message, retryAfterMs } = refusalBy(refusedBy);
    throw new AppError('RATE_LIMITED', message, { retryAfterMs });
  }

  /** Takes a start back, as nothing was started: an earlier call with the same idempotency key had done that. A start that opened its window stays counted. */
  async returnStart(scope: Scope, { askedAt }: TakenStart): Promise<void> {
    const ask = wishOf(scope, 'starts', await this.policy.of(scope));
    if (!ask) return;
    const subjects = ask.key ? [ask.subject, ask.key.subject] : [ask.subject];
    const askedMsAgo = this.parts.clock.monotonic() - askedAt;
    await giveBack(this.parts.database.as(scope), uuidOf(scope.tenantId, 'ten'), { subjects, kind: 'starts' }, askedMsAgo);
    for (const subject of subjects) this.empty.delete(emptyKey(scope.tenantId, subject, 'starts'));
  }

  /** How many generations may be unfinished at once; null when nothing limits them. The database's function `check_room_for_generation` counts. */
  async room(scope: Scope): Promise<Room | null> {
    const { tenant, key } = this.policy.known(scope) ?? (await this.policy.of(scope));
    const room = { tenant: tenant.tenantGenerations, member: tenant.memberGenerations, key: key?.generations ?? 0 };
    return room.tenant === 0 && room.member === 0 && room.key === 0 ? null : room;
  }

  /** What to say when a statement failed because there was no room for a generation; null when it failed for another reason. */
  noRoom(error: unknown): AppError | null {
    const { code, message, detail } = error as { code?: unknown; message?: string; detail?: string };
    if (code !== 'DW001') return null;
    this.admissions.generations.refused.inc();
    const whose = `unfinished generations ${roomWords[message ?? ''] ?? ''}`;
    return new AppError('RATE_LIMITED', `the limit of ${detail} ${whose} is reached: wait for one to end, or cancel one`, {
      retryAfterMs: 5_000,
    });
  }

  private async followed(sent: Promise<unknown[]>): Promise<unknown[]> {
    try {
      const rows = await sent;
      if (rows.length > 0) this.admissions.starts.admitted.inc();
      return rows;
    } catch (error) {
      // Nothing was done, since it collided with others. `takeStart` tries again by itself.
      if (error instanceof AppError && hasDoneNothing(error)) return [];
      throw error;
    }
  }

  private admitBy(
    scope: Scope,
    limits: CallerLimits,
    costOf: () => number,
    begunOf: () => Scope | null,
  ): Admission | Promise<Admission> {
    let requested = 0;
    const verdict = this.decideBy(scope, 'requests', limits, () => {
      requested = costOf();
      const isTooMuch = requested > limits.cost.maximum;
      // An operation that costs more than the limit is refused whatever the bucket has, so nothing is reserved for it and no start is sent behind it.
      return { cost: isTooMuch ? 0 : requested, operation: isTooMuch && limits.cost.maximum > 0 ? null : begunOf() };
    });
    const heed = (known: Verdict): Admission => this.admissionOf(scope, limits.cost, requested, known);
    return verdict instanceof Promise ? verdict.then(heed) : heed(verdict);
  }

  private admissionOf(scope: Scope, costLimit: CostLimit, requested: number, verdict: Verdict): Admission {
    // If the limit has been taken away, what is still being settled refuses nobody.
    const cost = costLimit.maximum > 0 ? verdict.cost : null;
    const throttle = cost && throttleOf(costLimit, cost.left);
    const refusal = verdict.isAdmitted
      ? cost && refusalByCost(requested, cost, costLimit)
      : ({ code: 'RATE_LIMITED', ...refusalBy(verdict.refusedBy) } as const);
    if (verdict.isAdmitted && refusal) this.admissions.cost.refused.inc();
    const charge = refusal || !cost || !throttle ? null : this.chargeOf(scope, requested, cost.epoch, throttle, costLimit);
    return { refusal, quotas: verdict.quotas, windowSeconds, throttle, charge };
  }

  private chargeOf({ tenantId }: Scope, reserved: number, epoch: number, status: ThrottleStatus, costLimit: CostLimit): Charge {
    let isOpen = reserved > 0;
    return {
      status,
      settle: (actual) => {
        if (!isOpen) return;
        isOpen = false;
        if (actual < reserved) this.short.delete(tenantId);
        this.queueOf(tenantId).settle(epoch, reserved, actual);
      },
      spend: (cost) => this.queueOf(tenantId).spend(cost, costLimit),
    };
  }

  private decide(scope: Scope, kind: CallerKind): Verdict | Promise<Verdict> {
    const limits = this.policy.known(scope);
    return limits ? this.decideBy(scope, kind, limits) : this.policy.of(scope).then((found) => this.decideBy(scope, kind, found));
  }

  private decideBy(scope: Scope, kind: CallerKind, limits: CallerLimits, askerOf = startAsker): Verdict | Promise<Verdict> {
    const ask = kind === 'requests' && !limits.key ? this.requestOf(scope, limits) : wishOf(scope, kind, limits);
    const tenantMost = countable(limits.tenant.tenant);
    const decision = ask ? this.refuseEarly(scope.tenantId, ask, tenantMost) : admitted;
    if (decision || !ask) return this.counted(kind, decision ?? admitted);
    const asker = askerOf();
    const ahead = kind === 'requests' ? this.aheadOf(ask) : null;
    const bounds = boundsOf(ask, tenantMost, limits.cost);
    const now = this.parts.clock.monotonic();
    const known = ahead?.use(asker.cost, bounds, now);
    if (known) {
      if (known.cost && asker.cost > 0) this.queueOf(scope.tenantId).reserve();
      return this.counted(kind, known);
    }
    const unpaid = asker.cost > 0 ? this.findShort(scope.tenantId, asker.cost, limits.cost) : null;
    if (unpaid) return unpaid;
    const advance = ahead?.wanted(bounds, now) ?? nothingAhead;
    const queue = this.queueOf(scope.tenantId);
    return queue.ask(ask, tenantMost, limits.cost, { ...asker, advance }).then((found) => this.counted(kind, found));
  }

  private aheadOf({ name }: Wish): Ahead {
    const known = this.ahead.get(name);
    if (known) return known;
    const ahead = new Ahead(this.parts.clock.monotonic());
    this.ahead.set(name, ahead);
    return ahead;
  }

  /** The wish of a member's requests: the same one as long as the limits are the same. */
  private requestOf(scope: Scope, limits: CallerLimits): Wish | null {
    const known = this.wishes.get(scope.memberId);
    if (known && known.tenant === limits.tenant && known.cost === limits.cost) return known.wish;
    const wish = wishOf(scope, 'requests', limits);
    this.wishes.set(scope.memberId, { tenant: limits.tenant, cost: limits.cost, wish });
    return wish;
  }

  private counted(kind: CallerKind, decision: Verdict): Verdict {
    this.admissions[kind][decision.isAdmitted ? 'admitted' : 'refused'].inc();
    return decision;
  }

  private refuseEarly(tenantId: string, { subject, kind, most, key }: Wish, tenantMost: number): Verdict | null {
    if (this.empty.size === 0) return null;
    const quotas = [
      this.findEmpty(tenantId, subject, kind, most),
      key && this.findEmpty(tenantId, key.subject, kind, key.most),
      kind === 'starts' ? null : this.findEmpty(tenantId, uuidOf(tenantId), 'tenant', tenantMost),
    ].filter((each) => each !== null);
    return quotas.length === 0 ? null : { isAdmitted: false, refusedBy: slowest(quotas), quotas, cost: null };
  }

  private findEmpty(tenantId: string, subject: string, kind: Kind, most: number): Quota | null {
    const key = emptyKey(tenantId, subject, kind);
    const empty = this.empty.get(key);
    if (!empty) return null;
    const resetMs = Math.ceil(empty.until - this.parts.clock.monotonic());
    const isBelieved = kind !== 'starts' || empty.resetMs - resetMs < believedMs;
    if (isBelieved && resetMs > 0 && empty.most === most) return { name: empty.name, most: empty.most, left: 0, resetMs };
    this.empty.delete(key);
    return null;
  }

  /** The verdict for who cannot pay, if that is known without asking. What comes back with time is reckoned in; what others give back is not. */
  private findShort(tenantId: string, cost: number, { maximum, restoreRate }: CostLimit): Verdict | null {
    const short = this.short.get(tenantId);
    if (!short) return null;
    const ageMs = this.parts.clock.monotonic() - short.seenAt;
    const left = Math.floor(short.left + (ageMs / 1_000) * restoreRate);
    if (ageMs < believedMs && short.maximum === maximum && cost > left)
      return { ...admitted, cost: { isReserved: false, left, epoch: 0 } };
    if (ageMs >= believedMs || short.maximum !== maximum) this.short.delete(tenantId);
    return null;
  }

  private queueOf(tenantId: string): TenantQueue {
    const known = this.queues.get(tenantId);
    if (known) return known;
    const { database, clock } = this.parts;
    const queue: TenantQueue = new TenantQueue(tenantId, {
      database,
      clock,
      onEmpty: (subject, kind, empty) => this.empty.set(emptyKey(tenantId, subject, kind), empty),
      onShort: (short) => this.short.set(tenantId, short),
      onAdvance: (name, bounds, advanced, sentAt) => {
        const unused = this.ahead.get(name)?.refill(advanced, bounds, sentAt);
        if (unused) queue.giveBack(unused.epoch, unused.amount);
      },
      onIdle: () => this.queues.delete(tenantId),
    });
    this.queues.set(tenantId, queue);
    return queue;
  }
}

function throttleOf({ maximum, restoreRate }: CostLimit, currentlyAvailable: number): ThrottleStatus {
  return { maximumAvailable: maximum, currentlyAvailable, restoreRate };
}

function emptyKey(tenantId: string, subject: string, kind: Kind): string {
  return `${tenantId} ${subject} ${kind}`;
}
