import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection, Database } from '../db/client.ts';
import type { StatementOptions } from '../db/connection.ts';
import { hasDoneNothing } from '../db/failures.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { boundsOf, type Advance, type Advanced, type Bounds } from './ahead.ts';
import { PendingSettlements, type CostAsk, type CostLimit, type CostGrant } from './cost.ts';
import { Purse } from './purse.ts';
import { decide, shownOf, unlimited, type Quota, type RateName } from './quota.ts';
import type { Statement } from '../db/statement.ts';
import {
  keyOfAsk,
  makeBuckets,
  makeCostBucket,
  take,
  type Ask,
  type Flight,
  type Grant,
  type Kind,
  type Left,
  type Taken,
} from './take.ts';
import type { Asker, Empty, Short, Verdict } from './verdict.ts';
import type { Wish } from './wish.ts';

type Caller = Asker & { readonly promise: PromiseWithResolvers<Verdict> };

/** The callers with the same wish, who wait together. */
interface Group {
  readonly ask: Wish;
  readonly callers: Caller[];
  advance: Advance;
  isSettled: boolean;
}

/** How many groups go with one statement; the rest go with the next. */
const mostGroups = 500;
/** Settlements go with the next statement. When there is none for this long they get one of their own. */
const settleWithinMs = 250;
/** With this many callers waiting a tenant is beyond any limit that anybody could mean. */
const mostWaiting = 10_000;
/** No start is sent right behind a statement with more callers than this: many are refused together more often, and a round trip is little beside their wait. */
const mostFollowed = 8;

/** The callers of one tenant who wait. One statement at a time is on its way, for all who came before it left. Who comes meanwhile goes with the next. */
export class TenantQueue {
  private groups = new Map<string, Group>();
  private waiting = 0;
  private tenantMost = unlimited;
  private isUnderWay = false;
  /** Called when nothing is under way any more; `close` waits for it. */
  private onRest: () => void = () => undefined;
  private readonly tenantUuid: string;
  private readonly pendingSettlements = new PendingSettlements();
  private costLimit: CostLimit = { maximum: 0, restoreRate: 1 };
  /** How many operations that reserved something still run. */
  private running = 0;
  private settling: NodeJS.Timeout | null = null;
  private isLate = false;
  private isClosed = false;
  /** Whether settlements must not wait: others may be refused as long as they are not told. */
  private isUrgent = false;
  /** Operations whose request waits for its answer, and behind which a start may be sent. */
  private readonly begun = new Set<object>();
  /** The statement that is on its way, and the operations whose requests it counts. */
  private flight: (Flight & { readonly operations: readonly object[] }) | null = null;

  constructor(
    private readonly tenantId: string,
    private readonly parts: {
      readonly database: Database;
      readonly clock: Clock;
      readonly onEmpty: (subject: string, kind: Kind, empty: Empty) => void;
      readonly onShort: (short: Short) => void;
      /** The requests of a name were counted, and so much more; `sentAt` is before the database looked. */
      readonly onAdvance: (name: string, bounds: Bounds, advanced: Advanced, sentAt: number) => void;
      readonly onIdle: () => void;
    },
  ) {
    this.tenantUuid = uuidOf(tenantId, 'ten');
  }

  /** Asks the database. Rejects with UNAVAILABLE or TIMEOUT when it does not answer. A cost that it reserved has to be settled. */
  ask(ask: Wish, tenantMost: number, costLimit: CostLimit, asker: Asker): Promise<Verdict> {
    if (this.waiting >= mostWaiting) {
      return Promise.reject(new AppError('UNAVAILABLE', 'too many requests of this tenant wait here', { retryAfterMs: 1_000 }));
    }
    const promise = Promise.withResolvers<Verdict>();
    const known = this.groups.get(ask.name);
    const group = known ?? { ask, callers: [], advance: asker.advance, isSettled: false };
    if (asker.advance.count > group.advance.count) group.advance = asker.advance;
    group.callers.push({ ...asker, promise });
    if (asker.operation) this.begun.add(asker.operation);
    if (!known) this.groups.set(ask.name, group);
    this.waiting++;
    [this.tenantMost, this.costLimit] = [tenantMost, costLimit];
    this.start();
    return promise.promise;
  }

  /** Whether the request of an operation waits for its answer. */
  isAsking(operation: object): boolean {
    return this.begun.has(operation);
  }

  /** Sends a statement right behind the one that counts an operation's request; it is to have an effect only if `isTaken`. Null when that one is not on its way. */
  follow(
    operation: object,
    statement: (isTaken: Statement) => Statement,
    onRun?: StatementOptions['onRun'],
  ): Promise<unknown[]> | null {
    const { flight } = this;
    if (!flight?.leader.isOpen || !flight.operations.includes(operation)) return null;
    return flight.leader.follow(statement(flight.isTaken), onRun);
  }

  /** An operation runs on what was reserved ahead. */
  reserve(): void {
    this.running++;
  }

  /** Gives back what was reserved ahead and used by nobody. */
  giveBack(epoch: number, reserved: number): void {
    this.pendingSettlements.settle({ epoch, reserved, actual: 0 });
    if (!this.isUnderWay) this.settleLater();
  }

  /** Ends the reservation of an operation that really cost `actual`. The database hears of it with the next statement. */
  settle(epoch: number, reserved: number, actual: number): void {
    this.running--;
    this.pendingSettlements.settle({ epoch, reserved, actual });
    if (!this.isUnderWay) this.settleLater();
  }

  /** Counts a cost that was not reserved. The database hears of it with the next statement. */
  spend(cost: number, costLimit: CostLimit): void {
    // Nobody may have asked here for a while.
    if (this.costLimit.maximum === 0) this.costLimit = costLimit;
    this.pendingSettlements.settle({ epoch: 0, reserved: 0, actual: cost });
    if (!this.isUnderWay) this.settleLater();
  }

  /** Tells the database of all settlements that it has not heard of. */
  async close(): Promise<void> {
    this.isUrgent = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onRest = resolve;
    this.start();
    await promise;
    this.isClosed = true;
  }

  private start(): void {
    if (this.isUnderWay) return;
    this.isUnderWay = true;
    // After everything that arrived in this turn of the event loop.
    setImmediate(() => void this.run());
  }

  private async run(): Promise<void> {
    if (this.settling) clearTimeout(this.settling);
    this.settling = null;
    while (this.groups.size > 0) {
      const going = [...this.groups.values()].slice(0, mostGroups);
      for (const { ask } of going) this.groups.delete(ask.name);
      try {
        await this.send(going);
      } catch (error) {
        for (const { callers, isSettled } of going) if (!isSettled) this.leave(callers, ({ promise }) => promise.reject(error));
      }
      // Requests that have arrived and were not read yet go with those who waited.
      if (this.groups.size > 0) await nextTurn();
    }
    const isOld = this.isLate || this.isUrgent;
    [this.isLate, this.isUrgent] = [false, false];
    // A statement for the settlements alone. If it fails they are lost: what they would give back comes back with time.
    if (isOld && !this.pendingSettlements.isEmpty) await this.send([]).catch(() => undefined);
    this.isUnderWay = false;
    if (this.groups.size > 0 || (this.isUrgent && !this.pendingSettlements.isEmpty)) return this.start();
    this.onRest();
    if (!this.pendingSettlements.isEmpty) this.settleLater();
    else if (this.running === 0) this.parts.onIdle();
  }

  private settleLater(): void {
    if (this.isClosed) return;
    this.settling ??= setTimeout(() => {
      this.isLate = true;
      this.start();
    }, settleWithinMs).unref();
  }

  private async send(going: readonly Group[]): Promise<void> {
    const { database, clock } = this.parts;
    const connection = database.as({ tenantId: this.tenantId });
    const tenant: Ask = { subject: this.tenantUuid, kind: 'tenant', count: 0, most: this.tenantMost, key: null };
    const own = going.map(askOf);
    const asks = own.some(({ kind }) => kind === 'requests') ? [tenant, ...own] : own;
    const bought: { purse: Purse | null } = { purse: null };
    const startedAt = clock.monotonic();
    try {
      for (let left: readonly Ask[] = asks, pending = going, cost = this.costAsk(going); ; cost = null) {
        const sentAt = clock.monotonic();
        const taken = await this.takeOnce(connection, left, cost, left === asks ? this.followedOf(going) : []);
        if (cost) bought.purse = new Purse(taken.cost ?? (await this.reserveFirst(connection, cost)));
        const { grants } = taken;
        const missing = left.filter((ask) => !grants.has(keyOfAsk(ask)));
        const whole = grants.get(keyOfAsk(tenant));
        // A request without its tenant's bucket was granted nothing, and nothing was counted.
        const isOpen = ({ ask }: Group) => !grants.has(keyOfAsk(ask)) || (ask.kind === 'requests' && !whole);
        for (const group of pending) {
          const grant = grants.get(keyOfAsk(group.ask));
          const isRequest = group.ask.kind === 'requests';
          if (grant && !isOpen(group))
            this.decide(group, grant, isRequest ? whole : undefined, isRequest ? bought.purse : null, sentAt);
        }
        pending = pending.filter(isOpen);
        if (pending.length === 0) break;
        await makeBuckets(connection, this.tenantUuid, missing);
        const open = pending.map(askOf);
        left = open.some(({ kind }) => kind === 'requests') ? [tenant, ...open] : open;
      }
    } finally {
      if (bought.purse) this.putBack(bought.purse, startedAt);
    }
  }

  /** Gives back at once what was reserved for callers who could not go after all, or were not reached. */
  private putBack(purse: Purse, seenAt: number): void {
    // Unless something was given back meanwhile.
    if (purse.isShort && this.pendingSettlements.isEmpty)
      this.parts.onShort({ left: purse.grant.left + purse.left, maximum: this.costLimit.maximum, seenAt });
    if (purse.left === 0) return;
    this.pendingSettlements.settle({ epoch: purse.grant.epoch, reserved: purse.left, actual: 0 });
    this.isUrgent = true;
  }

  /** What to ask of the tenant's bucket of costs; null when there is neither a limit nor a settlement to tell. */
  private costAsk(going: readonly Group[]): CostAsk | null {
    const settlements = this.pendingSettlements.take();
    const isLimited = this.costLimit.maximum > 0 && going.some(({ ask }) => ask.kind === 'requests');
    if (!isLimited && settlements.length === 0) return null;
    let [cost, least] = [0, 0];
    for (const { callers, advance } of going) {
      cost += advance.cost;
      for (const caller of callers) {
        if (caller.cost === 0) continue;
        cost += caller.cost;
        least = least === 0 ? caller.cost : Math.min(least, caller.cost);
      }
    }
    return { cost, least, costLimit: this.costLimit, settlements };
  }

  /** Sends the statement. Nothing may be settled twice: after a lost answer it is repeated without its settlements. */
  private async takeOnce(
    connection: Connection,
    asks: readonly Ask[],
    cost: CostAsk | null,
    operations: readonly object[],
  ): Promise<Taken> {
    const onFlight = (flight: Flight): void => void (this.flight = { ...flight, operations });
    try {
      return await take(connection, this.tenantUuid, asks, cost, operations.length === 0 ? null : onFlight);
    } catch (error) {
      if (!cost || cost.settlements.length === 0) throw error;
      const isLost = error instanceof AppError && error.code === 'UNAVAILABLE';
      if (hasDoneNothing(error)) {
        // Nothing was done: they go with the next statement.
        for (const settlement of cost.settlements) this.pendingSettlements.settle(settlement);
        throw error;
      }
      if (!isLost) throw error;
      return await take(connection, this.tenantUuid, asks, { ...cost, settlements: [] });
    } finally {
      this.flight = null;
    }
  }

  private async reserveFirst(connection: Connection, cost: CostAsk): Promise<CostGrant> {
    await makeCostBucket(connection, this.tenantUuid);
    const { cost: granted } = await take(connection, this.tenantUuid, [], { ...cost, settlements: [] });
    if (!granted) throw new AppError('UNAVAILABLE', 'this tenant has no bucket for its costs', { retryAfterMs: 1_000 });
    return granted;
  }

  private decide(group: Group, own: Grant, whole: Grant | undefined, purse: Purse | null, sentAt: number): void {
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
    const isReserved = purse?.pay(callers.slice(0, own.granted).map(({ cost }) => cost));
    if (ask.kind === 'requests') {
      const amount = purse?.keep(group.advance.cost) ?? 0;
      const cost = purse && { amount, epoch: purse.grant.epoch, left: purse.grant.left };
      const bounds = boundsOf(ask, this.tenantMost, this.costLimit);
      this.parts.onAdvance(ask.name, bounds, { count: Math.max(0, own.granted - callers.length), cost, quotas }, sentAt);
    }
    if (own.granted >= callers.length && !isReserved?.includes(false)) {
      // Nearly always: all are told the same.
      const cost = purse && { isReserved: true, left: purse.grant.left, epoch: purse.grant.epoch };
      const verdict: Verdict = { isAdmitted: true, refusedBy: null, quotas: shownOf(quotas), cost };
      return this.leave(callers, (caller) => {
        if (purse && caller.cost > 0) this.running++;
        caller.promise.resolve(verdict);
      });
    }
    const decisions = decide(callers.length, own.granted, quotas);
    this.leave(callers, ({ cost, promise }, index) => {
      const decision = decisions[index];
      if (!decision) return;
      if (isReserved?.[index] && cost > 0) this.running++;
      promise.resolve({
        ...decision,
        cost: purse && { isReserved: isReserved?.[index] ?? false, left: purse.grant.left, epoch: purse.grant.epoch },
      });
    });
  }

  private followedOf(going: readonly Group[]): object[] {
    if (this.begun.size === 0) return [];
    const callers = going.flatMap((group) => group.callers);
    return callers.length > mostFollowed ? [] : callers.flatMap(({ operation }) => operation ?? []);
  }

  private leave(callers: readonly Caller[], tell: (caller: Caller, index: number) => void): void {
    this.waiting -= callers.length;
    if (this.begun.size > 0) for (const { operation } of callers) if (operation) this.begun.delete(operation);
    callers.forEach(tell);
  }
}

function askOf({ ask, callers, advance }: Group): Ask {
  return { ...ask, count: callers.length + advance.count };
}
