import { LRUCache } from 'lru-cache';
import { uuidOf } from '../db/ids.ts';
import type { Connection } from '../db/client.ts';
import { sql, type SqlTag, type Statement } from '../db/statement.ts';
import type { Clock } from '../kernel/clock.ts';
import type { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import type { Models } from '../routing/models.ts';
import type { RoutePlan } from '../routing/plan.ts';
import { needOf, type Need, type Question } from './need.ts';
import { refusalOf } from './refusal.ts';

export type { Need, Question } from './need.ts';

/** What a call used. Where that is not known it is null, and all that was reserved counts. */
export interface Used {
  readonly costMicros: number | null;
  readonly tokens: number | null;
}

/** A generation that is about to begin, or a call that belongs to none (`isAlone`). Such a call has an id like a generation's and does not count as one. */
interface Asked extends Question {
  readonly id: string;
  readonly plan: Pick<RoutePlan, 'models' | 'branches'>;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly isAlone?: boolean;
}

/** What the ledger is built on. */
export interface LedgerParts {
  readonly models: Models;
  readonly bus: Bus;
  readonly clock: Clock;
}

/** The team that a generation is tagged with: the text at `team` in its metadata; null for none. */
function teamOf(metadata: Readonly<Record<string, unknown>> | null): string | null {
  const team = metadata?.['team'];
  return typeof team === 'string' ? team : null;
}

/** Which generation a statement is about: columns of its own, or values. */
export interface Whose {
  readonly tenant: Statement;
  readonly generation: Statement;
}

/** How many generations are swept in one round; the rest wait for the next. */
const mostSwept = 200;
/** The attempt's number of a call that belongs to no generation. It ends within `callAloneSeconds`. */
export const callAlone = 0;
const callAloneSeconds = 60;
/** For how long a tenant that had budgets is taken to have some. */
const foreseenMs = 10 * 60_000;

/**
 * Reserves before each call and settles after it. It makes pieces of SQL for the statements that begin and end attempts and generations; functions of
 * the database decide (`reserve_budgets`, `settle_budgets`, `renew_budgets`). For a tenant without budgets that costs one look into an index.
 */
export class LedgerService {
  /** Tenants that had budgets the last time a start of theirs found that out here. */
  private readonly foreseen = new LRUCache<string, true>({ max: 10_000, ttl: foreseenMs });

  constructor(private readonly parts: LedgerParts) {}

  /** What a call by any model of the plan may use. */
  needOf(plan: Pick<RoutePlan, 'models' | 'branches'>, asked: Question): Need {
    return needOf(this.parts.models, plan, asked, this.parts.clock.now());
  }

  /** Makes a condition for a statement: it reserves for a generation's first call, and is true. Where a budget refuses the statement fails, and `refusal` says why. */
  reserving(scope: Scope, asked: Asked): (tag: SqlTag) => Statement {
    const reserved = this.reservation(scope, asked);
    return (tag) => underBudgets(tag, uuidOf(scope.tenantId, 'ten'), reserved(tag));
  }

  /** The same for a tenant that is known to have budgets: without looking first whether there are any. */
  private reservation(
    { tenantId, memberId, keyId }: Scope,
    { id, plan, metadata, isAlone = false, ...question }: Asked,
  ): (tag: SqlTag) => Statement {
    const { tokens, ...cost } = this.needOf(plan, question);
    const tenant = uuidOf(tenantId, 'ten');
    return (tag) => tag`
        reserve_budgets(${tenant}::uuid, ${uuidOf(id, 'gen')}::uuid, ${isAlone ? callAlone : 1}::int, ${teamOf(metadata)}::text, ${keyId === null ? null : uuidOf(keyId, 'key')}::uuid,
          ${uuidOf(memberId, 'mem')}::uuid, ${askedCost(cost)}::bigint, ${tokens}::bigint, ${isAlone ? 0 : 1}::int,
          together => exists (select from budgets b where b.tenant_id = ${tenant}::uuid and b.target = 'TENANT:'))`;
  }

  /**
   * The same for starts, most of which have no budgets to heed. What the call may need is worked out, for which its prompt is masked, only if the tenant is known to have
   * budgets. For any other tenant the statement fails if there is a budget after all: see `unlessUnforeseen`.
   */
  foreseeing(scope: Scope, asked: Asked): (tag: SqlTag) => Statement {
    return (tag) =>
      this.foreseen.has(scope.tenantId)
        ? this.reservation(scope, asked)(tag)
        : underBudgets(tag, uuidOf(scope.tenantId, 'ten'), tag`budgets_unforeseen()`);
  }

  /** The answer of a statement with `foreseeing`. Null when it failed for budgets that were not known: they are now, and the statement is to be made once more. */
  async unlessUnforeseen<T>({ tenantId }: Scope, answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'DW005') throw error;
      this.foreseen.set(tenantId, true);
      return null;
    }
  }

  /** An expression that settles all that is reserved for a generation: for its last attempt what that used, for all others all that was reserved. */
  settled(sql: SqlTag, tenantId: string, whose: Whose, attempt: number, { costMicros, tokens }: Used): Statement {
    const how = sql`${attempt}::int, ${costMicros}::bigint, ${tokens}::bigint, null`;
    return this.foreseen.has(tenantId) ? settlement(sql, whose, how) : settling(sql, whose, how);
  }

  /** The same where no usage is known: it counts nothing where `isUnused` holds, as no call was made, else all that was reserved. */
  closed(sql: SqlTag, whose: Whose, isUnused: Statement): Statement {
    return settling(sql, whose, blindly(sql, isUnused));
  }

  /** An expression that gives back what was reserved for the second of two calls, which was not made. */
  returned(sql: SqlTag, { tenant, generation }: Whose, attempt: number): Statement {
    return sql`settle_budgets(${tenant}, ${generation}, 0, ${-attempt}::int, 0, 0, 0)`;
  }

  /** An expression that reserves for the second of two calls of an attempt, or fails as `refusal` knows; true when it has. */
  doubled(sql: SqlTag, { tenant, generation }: Whose, attempt: number, { tokens, ...cost }: Need): Statement {
    return sql`double_budgets(${tenant}, ${generation}, ${attempt}::int, ${askedCost(cost)}::bigint, ${tokens}::bigint)`;
  }

  /** An expression that settles the attempt that ends and reserves for the next, or fails as `refusal` knows. */
  renewed(sql: SqlTag, { tenant, generation }: Whose, attempt: number, used: Used, next: Need): Statement {
    return sql`to_jsonb(renew_budgets(${tenant}, ${generation}, ${attempt}::int, ${used.costMicros}::bigint, ${used.tokens}::bigint,
      ${askedCost(next)}::bigint, ${next.tokens}::bigint))`;
  }

  /** What to say when a statement failed because a budget refused; null when it failed for another reason. */
  refusal(error: unknown): AppError | null {
    return refusalOf(error, this.parts.clock.now());
  }

  /**
   * Settles what was reserved for generations that ended without settling it, or are gone: their member was removed, or an older build wrote them. One of
   * the acts without a tenant (protocol.md, rule 20).
   */
  async sweep(engine: Connection): Promise<void> {
    const left = await engine.sql<{ tenant_id: string; generation_id: string }>(
      (sql) => sql`
        select distinct h.tenant_id, h.generation_id from budget_holds h
        where not exists (select from generations g where g.tenant_id = h.tenant_id and g.id = h.generation_id and g.finished_at is null)
          and (h.attempt <> ${callAlone}::int or h.created_at < now() - make_interval(secs => ${callAloneSeconds}::int))
        limit ${mostSwept}`,
      { idempotent: true },
    );
    // One by one: the locks of each are taken in their order.
    for (const { tenant_id: tenant, generation_id: generation } of left) {
      const whose = { tenant: sql`${tenant}::uuid`, generation: sql`${generation}::uuid` };
      const rows = await engine.sql<{ reached: string[] | null }>(
        (tag) => tag`select ${settlement(tag, whose, blindly(tag, tag`false`))} as reached`,
      );
      this.tell(rows[0]?.reached);
    }
  }

  /** Tells of the budgets (uuids) that a statement found at their soft limit. */
  tell(reached: readonly string[] | null | undefined): void {
    if (reached && reached.length > 0)
      this.parts.bus.publish(
        'budget.softReached',
        reached.map((uuid) => idOfUuid('bud', uuid)),
      );
  }
}

/** A cost as the functions of the database take it. Where a price is not known it is negative: minus one, minus the cost that is known. */
function askedCost({ costMicros, isPriceUnknown }: Pick<Need, 'costMicros' | 'isPriceUnknown'>): number {
  return isPriceUnknown ? -1 - costMicros : costMicros;
}

/** `condition` if the tenant (a uuid) has budgets, else true after one look. */
function underBudgets(tag: SqlTag, tenant: string, condition: Statement): Statement {
  return tag`case when exists (select from budgets b where b.tenant_id = ${tenant}::uuid) then ${condition} else true end`;
}

/** Looks first whether there are budgets. It looks there and not at what is reserved: that table is nearly empty most of the time, and Postgres may read all that was ever in it. */
function settling(sql: SqlTag, whose: Whose, how: Statement): Statement {
  return sql`case when exists (select from budgets b where b.tenant_id = ${whose.tenant}) then ${settlement(sql, whose, how)} end`;
}

function settlement(sql: SqlTag, { tenant, generation }: Whose, how: Statement): Statement {
  return sql`to_jsonb(settle_budgets(${tenant}, ${generation}, null, ${how}))`;
}

/** Settles calls whose usage nobody knows: by all that was reserved, or by nothing where `isUnused` holds. */
function blindly(sql: SqlTag, isUnused: Statement): Statement {
  return sql`case when ${isUnused} then 1 end, 0, 0, 0`;
}
