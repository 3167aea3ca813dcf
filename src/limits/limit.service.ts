import { LRUCache } from 'lru-cache';
import type { Counter, Registry } from 'prom-client';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Admission } from '../graphql/admission.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { countAdmissions } from './metrics.ts';
import { keyLimitNames, limitNames } from './names.ts';
import { Policy, type Held, type RateLimits } from './policy.ts';
import { TenantQueue, type Empty } from './queue.ts';
import { slowest, windowSeconds, type Decision, type Quota, type RateName } from './share.ts';
import { countable, giveBack, type Ask, type Kind } from './take.ts';

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

/** How many unfinished generations a tenant, member and key may have; 0 for any number. */
export interface Room {
  readonly tenant: number;
  readonly member: number;
  readonly key: number;
}

/** Buckets remembered to be empty. */
const mostRemembered = 50_000;
const admitted: Decision = { isAdmitted: true, refusedBy: null, quotas: [] };

/**
 * The feature `limits`: how much a key, a member and a tenant may ask in a minute, exactly, for any number of processes. Buckets are rows
 * (`rates.table.ts`), and one statement for all who wait decides (`take.ts`). Memory only remembers that a bucket is empty until a
 * moment: it refuses early and admits nobody.
 */
export class LimitService {
  /** What holds for whom. */
  readonly policy: Policy;
  private readonly queues = new Map<string, TenantQueue>();
  private readonly empty = new LRUCache<string, Empty>({ max: mostRemembered });
  /** Counts what every limit let in and refused. */
  readonly admissions: Counter<'kind' | 'outcome'>;

  constructor(private readonly parts: LimitParts) {
    this.policy = new Policy(parts.database, parts.limits);
    this.admissions = countAdmissions(parts.registry);
  }

  /** Counts one request of the scope's key, member and tenant. Throws UNAVAILABLE when it cannot be counted. */
  async admit(scope: Scope): Promise<Admission> {
    const { isAdmitted, refusedBy, quotas } = await this.decide(scope, 'requests');
    return { refusal: isAdmitted ? null : refusalBy(refusedBy), quotas, windowSeconds };
  }

  /** Counts the start of a generation; throws RATE_LIMITED when the member has started too many. */
  async takeStart(scope: Scope): Promise<TakenStart> {
    const askedAt = this.parts.clock.monotonic();
    const { isAdmitted, refusedBy } = await this.decide(scope, 'starts');
    if (isAdmitted) return { askedAt };
    const { message, retryAfterMs } = refusalBy(refusedBy);
    throw new AppError('RATE_LIMITED', message, { retryAfterMs });
  }

  /** Takes a start back: nothing was started, an earlier call with the same key had done so. One that opened its window stays counted. */
  async returnStart(scope: Scope, { askedAt }: TakenStart): Promise<void> {
    const ask = askOf(scope, 'starts', await this.policy.of(scope));
    if (!ask) return;
    const subjects = ask.key ? [ask.subject, ask.key.subject] : [ask.subject];
    const askedMsAgo = this.parts.clock.monotonic() - askedAt;
    await giveBack(this.parts.database.as(scope), uuidOf(scope.tenantId, 'ten'), { subjects, kind: 'starts' }, askedMsAgo);
    for (const subject of subjects) this.empty.delete(emptyKey(scope.tenantId, subject, 'starts'));
  }

  /** How many generations may be unfinished at once; null when nothing limits them. `check_room_for_generation` counts. */
  async room(scope: Scope): Promise<Room | null> {
    const { tenant, key } = await this.policy.of(scope);
    const room = { tenant: tenant.tenantGenerations, member: tenant.memberGenerations, key: key?.generations ?? 0 };
    return room.tenant === 0 && room.member === 0 && room.key === 0 ? null : room;
  }

  /** What to say when a statement failed because there was no room for a generation; null when it failed for another reason. */
  noRoom(error: unknown): AppError | null {
    const { code, message, detail } = error as { code?: unknown; message?: string; detail?: string };
    if (code !== 'DW001') return null;
    this.admissions.inc({ kind: 'generations', outcome: 'refused' });
    const whose = `unfinished generations ${roomWords[message ?? ''] ?? ''}`;
    return new AppError('RATE_LIMITED', `the limit of ${detail} ${whose} is reached: wait for one to end, or cancel one`, {
      retryAfterMs: 5_000,
    });
  }

  private async decide(scope: Scope, kind: Exclude<Kind, 'tenant'>): Promise<Decision> {
    const held = await this.policy.of(scope);
    const ask = askOf(scope, kind, held);
    const tenantMost = countable(held.tenant.tenant);
    const decision = ask
      ? (this.refuseEarly(scope.tenantId, ask, tenantMost) ?? (await this.queueOf(scope.tenantId).ask(ask, tenantMost)))
      : admitted;
    this.admissions.inc({ kind, outcome: decision.isAdmitted ? 'admitted' : 'refused' });
    return decision;
  }

  private refuseEarly(tenantId: string, { subject, kind, most, key }: Omit<Ask, 'count'>, tenantMost: number): Decision | null {
    const quotas = [
      this.findEmpty(tenantId, subject, kind, most),
      key && this.findEmpty(tenantId, key.subject, kind, key.most),
      kind === 'starts' ? null : this.findEmpty(tenantId, uuidOf(tenantId), 'tenant', tenantMost),
    ].filter((each) => each !== null);
    return quotas.length === 0 ? null : { isAdmitted: false, refusedBy: slowest(quotas), quotas };
  }

  private findEmpty(tenantId: string, subject: string, kind: Kind, most: number): Quota | null {
    const key = emptyKey(tenantId, subject, kind);
    const empty = this.empty.get(key);
    if (!empty) return null;
    const resetMs = Math.ceil(empty.until - this.parts.clock.monotonic());
    if (resetMs > 0 && empty.most === most) return { name: empty.name, most: empty.most, left: 0, resetMs };
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

/** What a caller's request or start is counted in; null where no limit is. */
function askOf(
  { memberId, keyId }: Scope,
  kind: Exclude<Kind, 'tenant'>,
  { tenant, key: ofKey }: Held,
): Omit<Ask, 'count'> | null {
  const [own, whole] = kind === 'starts' ? [tenant.starts, 0] : [tenant.member, tenant.tenant];
  const keyMost = ofKey?.[kind] ?? 0;
  if (own === 0 && whole === 0 && keyMost === 0) return null;
  const key = keyId !== null && keyMost > 0 ? { subject: uuidOf(keyId, 'key'), most: keyMost } : null;
  return { subject: uuidOf(memberId, 'mem'), kind, most: countable(own), key };
}

const words: Readonly<Record<RateName, string>> = {
  member: 'requests of a member',
  key: 'requests of a key',
  tenant: 'requests of a tenant',
  starts: 'generations that a member starts',
  keyStarts: 'generations that are started with a key',
};

const roomWords: Readonly<Record<string, string>> = {
  [limitNames.memberGenerations]: 'of a member',
  [limitNames.tenantGenerations]: 'of a tenant',
  [keyLimitNames.generations]: 'of a key',
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
