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

/** What a call used, as far as it is known; null for what is not: then all that was reserved counts. */
export interface Used {
  readonly costMicros: number | null;
  readonly tokens: number | null;
}

/** A generation that is about to begin; or a call by itself, which has an id of its own as one and counts as none. */
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

/** The columns of a statement that say which generation. */
export interface Whose {
  readonly tenant: Statement;
  readonly generation: Statement;
}

/** In one round; what is left goes with the next. */
const mostSwept = 200;
/** The number of a call that is no generation's, which ends within this many seconds. */
export const callAlone = 0;
const callAloneSeconds = 60;
/** A tenant that had budgets is taken to have some for so long. */
const foreseenMs = 10 * 60_000;

/**
 * Reserves before each call and settles after it, by pieces of the statements that begin and end attempts and generations: the
 * functions of the database decide (`reserve_budgets`, `settle_budgets`, `renew_budgets`). A tenant without budgets pays for a look.
 */
export class LedgerService {
  /** Tenants that had budgets when they last started something here. */
  private readonly foreseen = new LRUCache<string, true>({ max: 10_000, ttl: foreseenMs });

  constructor(private readonly parts: LedgerParts) {}

  /** What a call by any model of the plan may use. */
  needOf(plan: Pick<RoutePlan, 'models' | 'branches'>, asked: Question): Need {
    return needOf(this.parts.models, plan, asked, this.parts.clock.now());
  }

  /** What makes the condition of a statement that reserves for a generation's first call; the statement fails as `refusal` knows. */
  reserving(scope: Scope, asked: Asked): (tag: SqlTag) => Statement {
    const reserved = this.reservation(scope, asked);
    return (tag) => underBudgets(tag, uuidOf(scope.tenantId, 'ten'), reserved(tag));
  }

  /** The same without a look whether there are budgets, which only costs where there are. */
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
   * The same for a start, made anew for each statement: what its call may use is worked out, and its prompt masked for it, for tenants that are known to have
   * budgets. For any other the statement fails where there is one after all (`unlessUnforeseen`).
   */
  foreseeing(scope: Scope, asked: Asked): (tag: SqlTag) => Statement {
    return (tag) =>
      this.foreseen.has(scope.tenantId)
        ? this.reservation(scope, asked)(tag)
        : underBudgets(tag, uuidOf(scope.tenantId, 'ten'), tag`budgets_unforeseen()`);
  }

  /** The answer of a statement of such a start; null where it failed for budgets that were not known of, and is to be made once more. */
  async unlessUnforeseen<T>({ tenantId }: Scope, answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'DW005') throw error;
      this.foreseen.set(tenantId, true);
      return null;
    }
  }

  /** An expression that settles all of a tenant's generation, its last attempt by what it used. */
  settled(sql: SqlTag, tenantId: string, whose: Whose, attempt: number, { costMicros, tokens }: Used): Statement {
    const how = sql`${attempt}::int, ${costMicros}::bigint, ${tokens}::bigint, null`;
    return this.foreseen.has(tenantId) ? settlement(sql, whose, how) : settling(sql, whose, how);
  }

  /** The same for a generation that nobody was asked for (`isUnused`), or else one of whose calls nobody knows what they used. */
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

/** A cost as the functions of the database take it: below 0 where a price is not known, by one and what is known. */
function askedCost({ costMicros, isPriceUnknown }: Pick<Need, 'costMicros' | 'isPriceUnknown'>): number {
  return isPriceUnknown ? -1 - costMicros : costMicros;
}

/** A condition where the tenant (a uuid) has budgets, and true after one look where it has none. */
function underBudgets(tag: SqlTag, tenant: string, condition: Statement): Statement {
  return tag`case when exists (select from budgets b where b.tenant_id = ${tenant}::uuid) then ${condition} else true end`;
}

/** What counts for no budget is one look; not at what is reserved: of a table that is nearly empty most of the time Postgres may read all that was ever in it. */
function settling(sql: SqlTag, whose: Whose, how: Statement): Statement {
  return sql`case when exists (select from budgets b where b.tenant_id = ${whose.tenant}) then ${settlement(sql, whose, how)} end`;
}

function settlement(sql: SqlTag, { tenant, generation }: Whose, how: Statement): Statement {
  return sql`to_jsonb(settle_budgets(${tenant}, ${generation}, null, ${how}))`;
}

/** How a call is settled of which nobody knows what it used: by all that was reserved, or by nothing where `isUnused`. */
function blindly(sql: SqlTag, isUnused: Statement): Statement {
  return sql`case when ${isUnused} then 1 end, 0, 0, 0`;
}
