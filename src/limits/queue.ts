import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { decide, unlimited, type Decision, type Quota, type RateName } from './share.ts';
import { keyOfAsk, makeBuckets, take, type Ask, type Grant, type Kind, type Left } from './take.ts';

/** The callers that wait for one bucket. */
interface Group {
  readonly ask: Omit<Ask, 'count'>;
  readonly callers: PromiseWithResolvers<Decision>[];
  isSettled: boolean;
}

/** Known to be empty until then, as long as the limit is what it was. */
export interface Empty extends Quota {
  readonly until: number;
}

// More members than this go in the next statement.
const mostGroups = 500;
// A tenant with more callers waiting than this is beyond any limit one could mean.
const mostWaiting = 10_000;

/** A tenant's callers. One statement at a time is on its way for all who came before it left; who comes meanwhile goes with the next. */
export class TenantQueue {
  private groups = new Map<string, Group>();
  private waiting = 0;
  private isUnderWay = false;
  private readonly tenantUuid: string;

  constructor(
    private readonly tenantId: string,
    private readonly parts: {
      readonly database: Database;
      readonly clock: Clock;
      readonly onEmpty: (subject: string, kind: Kind, empty: Empty) => void;
      readonly onIdle: () => void;
    },
  ) {
    this.tenantUuid = uuidOf(tenantId, 'ten');
  }

  /** Waits for the answer of the database; rejects with UNAVAILABLE or TIMEOUT when there is none. */
  ask(ask: Omit<Ask, 'count'>, tenantMost: number): Promise<Decision> {
    if (this.waiting >= mostWaiting) {
      return Promise.reject(new AppError('UNAVAILABLE', 'too many requests of this tenant wait here', { retryAfterMs: 1_000 }));
    }
    const caller = Promise.withResolvers<Decision>();
    const key = keyOfAsk(ask);
    const group = this.groups.get(key) ?? { ask, callers: [], isSettled: false };
    group.callers.push(caller);
    this.groups.set(key, group);
    this.waiting++;
    this.tenantMost = tenantMost;
    if (!this.isUnderWay) {
      this.isUnderWay = true;
      // After everything that arrived in this turn of the event loop.
      setImmediate(() => void this.run());
    }
    return caller.promise;
  }

  private tenantMost = unlimited;

  private async run(): Promise<void> {
    while (this.groups.size > 0) {
      const going = [...this.groups.values()].slice(0, mostGroups);
      for (const { ask } of going) this.groups.delete(keyOfAsk(ask));
      try {
        await this.send(going);
      } catch (error) {
        for (const { callers, isSettled } of going) if (!isSettled) this.leave(callers, (caller) => caller.reject(error));
      }
    }
    this.isUnderWay = false;
    this.parts.onIdle();
  }

  private async send(going: readonly Group[]): Promise<void> {
    const { database, clock } = this.parts;
    const connection = database.as({ tenantId: this.tenantId });
    const tenant: Ask = { subject: this.tenantUuid, kind: 'tenant', count: 0, most: this.tenantMost, key: null };
    const own = going.map(({ ask, callers }) => ({ ...ask, count: callers.length }));
    const asks = own.some(({ kind }) => kind === 'requests') ? [tenant, ...own] : own;
    for (let left: readonly Ask[] = asks, pending = going; ;) {
      const sentAt = clock.monotonic();
      const grants = await take(connection, this.tenantUuid, left);
      const missing = left.filter((ask) => !grants.has(keyOfAsk(ask)));
      const whole = grants.get(keyOfAsk(tenant));
      // A request without its tenant's bucket was granted nothing, and nothing was counted.
      const isOpen = ({ ask }: Group) => !grants.has(keyOfAsk(ask)) || (ask.kind === 'requests' && !whole);
      for (const group of pending) {
        const grant = grants.get(keyOfAsk(group.ask));
        if (grant && !isOpen(group)) this.settle(group, grant, group.ask.kind === 'requests' ? whole : undefined, sentAt);
      }
      pending = pending.filter(isOpen);
      if (pending.length === 0) return;
      await makeBuckets(connection, this.tenantUuid, missing);
      const open = pending.map(({ ask, callers }) => ({ ...ask, count: callers.length }));
      left = open.some(({ kind }) => kind === 'requests') ? [tenant, ...open] : open;
    }
  }

  private settle(group: Group, own: Grant, whole: Grant | undefined, sentAt: number): void {
    const { ask, callers } = group;
    group.isSettled = true;
    const quota = (name: RateName, most: number, { left, resetMs }: Left): Quota => ({ name, most, left, resetMs });
    const isStart = ask.kind === 'starts';
    const buckets: { readonly subject: string; readonly kind: Kind; readonly quota: Quota }[] = [
      { subject: ask.subject, kind: ask.kind, quota: quota(isStart ? 'starts' : 'member', ask.most, own) },
    ];
    const { key } = ask;
    if (key && own.ofKey)
      buckets.push({ subject: key.subject, kind: ask.kind, quota: quota(isStart ? 'keyStarts' : 'key', key.most, own.ofKey) });
    if (whole) buckets.push({ subject: this.tenantUuid, kind: 'tenant', quota: quota('tenant', this.tenantMost, whole) });
    for (const { subject, kind, quota: each } of buckets) {
      // The database looked at its clock after `sentAt`: what is refused until then is refused rightly.
      if (each.left === 0) this.parts.onEmpty(subject, kind, { ...each, until: sentAt + each.resetMs });
    }
    const quotas = buckets.map((each) => each.quota);
    const decisions = decide(callers.length, own.granted, quotas);
    this.leave(callers, (caller, index) => {
      const decision = decisions[index];
      if (decision) caller.resolve(decision);
    });
  }

  private leave(
    callers: readonly PromiseWithResolvers<Decision>[],
    tell: (caller: PromiseWithResolvers<Decision>, index: number) => void,
  ): void {
    this.waiting -= callers.length;
    callers.forEach(tell);
  }
}
