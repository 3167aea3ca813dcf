import { LRUCache } from 'lru-cache';
import type { Counter, Registry } from 'prom-client';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Admission } from '../graphql/admission.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { countAdmissions } from './metrics.ts';
import { Policy, type RateLimits } from './policy.ts';
import { TenantQueue, type Empty } from './queue.ts';
import { countable, giveBack, type Kind } from './take.ts';
import { slowest, windowSeconds, type Decision, type LimitName, type Quota } from './share.ts';

/** What the limits are built on. */
export interface LimitParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly registry: Registry;
  /** For tenants without limits of their own. */
  readonly limits: RateLimits;
}

/** A start that was counted. */
export interface TakenStart {
  /** On the monotonic clock, before the database was asked. */
  readonly askedAt: number;
}

/** Buckets remembered to be empty. */
const mostRemembered = 50_000;
const admitted: Decision = { isAdmitted: true, refusedBy: null, quotas: [] };

/**
 * The feature `limits`: how much a member and a tenant may ask in a minute, exactly, for any number of processes. Buckets are rows
 * (`rates.table.ts`), and one statement for all who wait decides (`take.ts`). Memory only remembers that a bucket is empty until a
 * moment: it refuses early and admits nobody.
 */
export class LimitService {
  private readonly policy: Policy;
  private readonly queues = new Map<string, TenantQueue>();
  private readonly empty = new LRUCache<string, Empty>({ max: mostRemembered });
  private readonly admissions: Counter<'kind' | 'outcome'>;

  constructor(private readonly parts: LimitParts) {
    this.policy = new Policy(parts.database, parts.clock, parts.limits);
    this.admissions = countAdmissions(parts.registry);
  }

  /** Counts one request of the scope's member and tenant; at once where memory knows the answer. Throws UNAVAILABLE when it cannot be counted. */
  admit(scope: Scope): Admission | Promise<Admission> {
    const decision = this.decide(scope, 'requests');
    return decision instanceof Promise ? decision.then(admissionOf) : admissionOf(decision);
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

  private decide(scope: Scope, kind: Exclude<Kind, 'tenant'>): Decision | Promise<Decision> {
    const limits = this.policy.known(scope);
    return limits ? this.decideBy(scope, kind, limits) : this.policy.of(scope).then((found) => this.decideBy(scope, kind, found));
  }

  private decideBy(scope: Scope, kind: Exclude<Kind, 'tenant'>, limits: RateLimits): Decision | Promise<Decision> {
    const isLimited = kind === 'starts' ? limits.starts > 0 : limits.member > 0 || limits.tenant > 0;
    const decision = isLimited ? this.refuseEarly(scope, kind, limits) : admitted;
    if (decision) return this.counted(kind, decision);
    const asked = this.queueOf(scope.tenantId).ask(uuidOf(scope.memberId, 'mem'), kind, limits);
    return asked.then((found) => this.counted(kind, found));
  }

  private counted(kind: Kind, decision: Decision): Decision {
    this.admissions.inc({ kind, outcome: decision.isAdmitted ? 'admitted' : 'refused' });
    return decision;
  }

  private refuseEarly(scope: Scope, kind: Kind, limits: RateLimits): Decision | null {
    const own = this.findEmpty(scope, scope.memberId, kind, kind === 'starts' ? limits.starts : limits.member);
    const whole = kind === 'starts' ? null : this.findEmpty(scope, scope.tenantId, 'tenant', limits.tenant);
    const quotas = [own, whole].filter((each) => each !== null);
    return quotas.length === 0 ? null : { isAdmitted: false, refusedBy: slowest(quotas), quotas };
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

function admissionOf({ isAdmitted, refusedBy, quotas }: Decision): Admission {
  return { refusal: isAdmitted ? null : refusalBy(refusedBy), quotas, windowSeconds };
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

function emptyKey(tenantId: string, subject: string, kind: Kind): string {
  return `${tenantId} ${subject} ${kind}`;
}
