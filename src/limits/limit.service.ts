import { LRUCache } from 'lru-cache';
import type { Registry } from 'prom-client';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Admission, AdmissionRefusal, Charge, ThrottleStatus } from '../graphql/admission.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { countAdmissions, type Admissions } from './metrics.ts';
import { waitFor, type CostBudget } from './cost.ts';
import { Policy, type RateLimits, type TenantLimits } from './policy.ts';
import { TenantQueue, type Empty, type Verdict } from './queue.ts';
import { countable, giveBack, type Kind } from './take.ts';
import { slowest, windowSeconds, type LimitName, type Quota } from './share.ts';

/** What the limits are built on. */
export interface LimitParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly registry: Registry;
  /** For tenants without limits of their own. */
  readonly limits: RateLimits;
  /** The same for what their operations cost; none when absent. */
  readonly cost?: CostBudget;
}

/** A start that was counted. */
export interface TakenStart {
  /** On the monotonic clock, before the database was asked. */
  readonly askedAt: number;
}

/** Buckets remembered to be empty. */
const mostRemembered = 50_000;
const admitted: Verdict = { isAdmitted: true, refusedBy: null, quotas: [], cost: null };
const noCost: CostBudget = { maximum: 0, restoreRate: 1 };

/**
 * The feature `limits`: how much a member and a tenant may ask in a minute, exactly, for any number of processes. Buckets are rows
 * (`rates.table.ts`), and one statement for all who wait decides (`take.ts`). Memory only remembers that a bucket is empty until a
 * moment: it refuses early and admits nobody.
 */
export class LimitService {
  private readonly policy: Policy;
  private readonly queues = new Map<string, TenantQueue>();
  private readonly empty = new LRUCache<string, Empty>({ max: mostRemembered });
  private readonly admissions: Admissions;

  constructor(private readonly parts: LimitParts) {
    this.policy = new Policy(parts.database, parts.clock, { ...parts.limits, cost: parts.cost ?? noCost });
    this.admissions = countAdmissions(parts.registry);
  }

  /**
   * Counts one request of the scope's member and tenant, and reserves what it may cost; at once where memory knows the answer. `costOf` is
   * called unless the request is known to be refused, before this returns where the tenant's limits are known. Throws UNAVAILABLE when
   * it cannot be counted.
   */
  admit(scope: Scope, costOf: () => number = () => 0): Admission | Promise<Admission> {
    const limits = this.policy.known(scope);
    return limits
      ? this.admitBy(scope, limits, costOf)
      : this.policy.of(scope).then((found) => this.admitBy(scope, found, costOf));
  }

  /** Tells the database what is not to be paid after all. */
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
      if ((await asked).isAdmitted) await this.returnStart(scope, taken).catch(() => undefined);
      throw refusal;
    }
    const { isAdmitted, refusedBy } = await asked;
    if (isAdmitted) return taken;
    const { message, retryAfterMs } = refusalBy(refusedBy);
    throw new AppError('RATE_LIMITED', message, { retryAfterMs });
  }

  /** Takes a start back: nothing was started, an earlier call with the same key had done so. One that opened its window stays counted. */
  async returnStart(scope: Scope, { askedAt }: TakenStart): Promise<void> {
    const { starts } = await this.policy.of(scope);
    if (starts === 0) return;
    const subject = uuidOf(scope.memberId, 'mem');
    const askedMsAgo = this.parts.clock.monotonic() - askedAt;
    await giveBack(this.parts.database.as(scope), uuidOf(scope.tenantId, 'ten'), { subject, kind: 'starts' }, askedMsAgo);
    this.empty.delete(emptyKey(scope.tenantId, subject, 'starts'));
  }

  private admitBy(scope: Scope, limits: TenantLimits, costOf: () => number): Admission | Promise<Admission> {
    let requested = 0;
    const verdict = this.decideBy(scope, 'requests', limits, () => {
      requested = costOf();
      return requested > limits.cost.maximum ? 0 : requested;
    });
    const heed = (known: Verdict): Admission => this.admissionOf(scope, limits.cost, requested, known);
    return verdict instanceof Promise ? verdict.then(heed) : heed(verdict);
  }

  private admissionOf(scope: Scope, budget: CostBudget, requested: number, verdict: Verdict): Admission {
    const throttle = verdict.cost && throttleOf(budget, verdict.cost.left);
    const refusal = verdict.isAdmitted
      ? verdict.cost && refusalByCost(requested, verdict.cost, budget)
      : ({ code: 'RATE_LIMITED', ...refusalBy(verdict.refusedBy) } as const);
    if (verdict.isAdmitted && refusal) this.admissions.cost.refused.inc();
    const charge = refusal || !verdict.cost || !throttle ? null : this.chargeOf(scope, requested, verdict.cost.epoch, throttle);
    return { refusal, quotas: verdict.quotas, windowSeconds, throttle, charge };
  }

  private chargeOf({ tenantId }: Scope, reserved: number, epoch: number, status: ThrottleStatus): Charge {
    let isOpen = reserved > 0;
    return {
      status,
      settle: (actual) => {
        if (isOpen) this.queueOf(tenantId).settle(epoch, reserved, actual);
        isOpen = false;
      },
    };
  }

  private decide(scope: Scope, kind: Exclude<Kind, 'tenant'>): Verdict | Promise<Verdict> {
    const limits = this.policy.known(scope);
    return limits ? this.decideBy(scope, kind, limits) : this.policy.of(scope).then((found) => this.decideBy(scope, kind, found));
  }

  private decideBy(
    scope: Scope,
    kind: Exclude<Kind, 'tenant'>,
    limits: TenantLimits,
    costOf = () => 0,
  ): Verdict | Promise<Verdict> {
    const isLimited = kind === 'starts' ? limits.starts > 0 : limits.member > 0 || limits.tenant > 0 || limits.cost.maximum > 0;
    const decision = isLimited ? this.refuseEarly(scope, kind, limits) : admitted;
    if (decision) return this.counted(kind, decision);
    const asked = this.queueOf(scope.tenantId).ask(uuidOf(scope.memberId, 'mem'), kind, limits, costOf());
    return asked.then((found) => this.counted(kind, found));
  }

  private counted(kind: Exclude<Kind, 'tenant'>, decision: Verdict): Verdict {
    this.admissions[kind][decision.isAdmitted ? 'admitted' : 'refused'].inc();
    return decision;
  }

  private refuseEarly(scope: Scope, kind: Kind, limits: RateLimits): Verdict | null {
    if (this.empty.size === 0) return null;
    const own = this.findEmpty(scope, scope.memberId, kind, kind === 'starts' ? limits.starts : limits.member);
    const whole = kind === 'starts' ? null : this.findEmpty(scope, scope.tenantId, 'tenant', limits.tenant);
    const quotas = [own, whole].filter((each) => each !== null);
    return quotas.length === 0 ? null : { isAdmitted: false, refusedBy: slowest(quotas), quotas, cost: null };
  }

  private findEmpty({ tenantId }: Scope, id: string, kind: Kind, most: number): Quota | null {
    const key = emptyKey(tenantId, uuidOf(id), kind);
    const empty = this.empty.get(key);
    if (!empty) return null;
    const resetMs = Math.ceil(empty.until - this.parts.clock.monotonic());
    if (resetMs > 0 && empty.most === countable(most)) return { name: empty.name, most: empty.most, left: 0, resetMs };
    this.empty.delete(key);
    return null;
  }

  private queueOf(tenantId: string): TenantQueue {
    const known = this.queues.get(tenantId);
    if (known) return known;
    const { database, clock } = this.parts;
    const queue = new TenantQueue(tenantId, {
      database,
      clock,
      onEmpty: (subject, kind, empty) => this.empty.set(emptyKey(tenantId, subject, kind), empty),
      onIdle: () => this.queues.delete(tenantId),
    });
    this.queues.set(tenantId, queue);
    return queue;
  }
}

const words: Readonly<Record<LimitName, string>> = {
  member: 'requests of a member',
  tenant: 'requests of a tenant',
  starts: 'generations that a member starts',
};

function refusalBy(quota: Quota | null): { message: string; retryAfterMs: number } {
  // Refused without a limit that says so cannot be: the shortest wait for a caller who meets it all the same.
  if (!quota) return { message: 'a limit is reached', retryAfterMs: 1_000 };
  return {
    message: `the limit of ${quota.most} ${words[quota.name]} in ${windowSeconds} s is reached`,
    retryAfterMs: quota.resetMs,
  };
}

/** Null when it may run. */
function refusalByCost(
  requested: number,
  { isReserved, left }: NonNullable<Verdict['cost']>,
  budget: CostBudget,
): AdmissionRefusal | null {
  if (requested > budget.maximum) {
    const message = `the operation could cost ${requested}, more than the ${budget.maximum} that a tenant can have at once`;
    return { code: 'LIMIT_EXCEEDED', message, retryAfterMs: null };
  }
  if (isReserved) return null;
  const message = `the operation could cost ${requested}, and the tenant has ${left} of ${budget.maximum} left`;
  return { code: 'RATE_LIMITED', message, retryAfterMs: waitFor(requested, left, budget) };
}

function throttleOf({ maximum, restoreRate }: CostBudget, currentlyAvailable: number): ThrottleStatus {
  return { maximumAvailable: maximum, currentlyAvailable, restoreRate };
}

function emptyKey(tenantId: string, subject: string, kind: Kind): string {
  return `${tenantId} ${subject} ${kind}`;
}
