import { and, count, eq, getTableColumns, inArray, isNull, sql } from 'drizzle-orm';
import { apiKeys } from '../access/keys.table.ts';
import type { Act, ActService } from '../audit/act.service.ts';
import { rowsById } from '../db/by-id.ts';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { tenantPage, type Page, type PageInput } from '../db/page.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { checkRange } from '../kernel/given.ts';
import { newId, uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { members } from '../tenants/tenants.table.ts';
import { budgets, type BudgetPeriod, type BudgetRow, type BudgetSubject, type BudgetUnit } from './budgets.table.ts';
import type { LedgerService } from './ledger.service.ts';
import { standingAt, type Standing } from './standing.ts';

/** A budget and how it stands. */
export type BudgetView = Omit<BudgetRow, keyof Standing | 'slices' | 'slice' | 'target' | 'unitNumber' | 'sliceHours'> & Standing;

/** A budget to set; absent and null mean the same. */
export interface BudgetSet {
  readonly team?: string | null;
  readonly keyId?: string | null;
  readonly memberId?: string | null;
  readonly unit: BudgetUnit;
  readonly period: BudgetPeriod;
  readonly most: number;
  readonly softAt?: number | null;
  readonly allowsUnknownPrice?: boolean | null;
  readonly idempotencyKey?: string | null;
}

/** What the service is built on. */
export interface BudgetParts {
  readonly database: Database;
  readonly acts: ActService;
  readonly ledger: LedgerService;
  readonly clock: Clock;
}

/** Far from where sums with what is reserved would be no safe integers any more. */
const highest = 9_000_000_000_000_000;
const longestTeam = 64;
const mostBudgets = 1_000;
const columns = getTableColumns(budgets);

/** Tenants' budgets, for the people who look after them. What counts against them is the ledger's. */
export class BudgetService {
  constructor(private readonly parts: BudgetParts) {}

  /** Oldest first. */
  async page(scope: Scope, input: PageInput): Promise<Page<BudgetView>> {
    scope.require('budgets:read');
    const found = await tenantPage(this.parts.database.as(scope), scope, input, {
      list: 'budgets',
      table: budgets,
      columns,
      direction: 'ascending',
    });
    const nodes = found.nodes.map((row) => this.viewOf(row));
    const edges = found.edges.map(({ cursor, node }) => ({ cursor, node: this.viewOf(node) }));
    return { nodes, edges, pageInfo: found.pageInfo };
  }

  /** Budgets by id, in the order asked for; null for unknown ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(BudgetView | null)[]> {
    scope.require('budgets:read');
    const rows = await rowsById('bud', ids, (known) =>
      this.parts.database
        .as(scope)
        .query.select()
        .from(budgets)
        .where(and(eq(budgets.tenantId, scope.tenantId), inArray(budgets.id, known))),
    );
    return rows.map((row) => row && this.viewOf(row));
  }

  /** Sets the budget of a subject, unit and period, in the place of the one before, whose counts go on. INVALID_INPUT and NOT_FOUND name what is wrong. */
  async set(scope: Scope, input: BudgetSet): Promise<BudgetView> {
    scope.require('budgets:write');
    const { team = null, keyId = null, memberId = null, unit, period, most, softAt = null } = input;
    const subject = checked(input);
    const again = async (id: string) => {
      const [found] = await this.read(scope, id);
      if (!found) throw new AppError('NOT_FOUND', 'no such budget', { path: ['input', 'idempotencyKey'] });
      return { row: found, reached: null };
    };
    const { acts, ledger } = this.parts;
    const { row, reached } = await acts.run(scope, { operation: 'budgetSet', input, again }, async (act) => {
      await checkSubject(act, scope, { keyId, memberId });
      const target = `${subject}:${team ?? (keyId && uuidOf(keyId, 'key')) ?? (memberId && uuidOf(memberId, 'mem')) ?? ''}`;
      const isThis = and(
        eq(budgets.tenantId, scope.tenantId),
        eq(budgets.target, target),
        eq(budgets.unit, unit),
        eq(budgets.period, period),
      );
      const [before] = await act.query.select().from(budgets).where(isThis).for('update');
      if (!before) await checkCount(act, scope);
      const isReached = softAt === null ? sql`false` : sql`${budgets.settled} >= ${softAt}::float8 * ${most}::bigint`;
      const changed = { most, softAt, allowsUnknownPrice: input.allowsUnknownPrice ?? false, updatedAt: sql`now()` };
      const [after] = await act.query
        .insert(budgets)
        .values({ tenantId: scope.tenantId, id: newId('bud'), subject, team, keyId, memberId, unit, period, ...changed })
        .onConflictDoUpdate({
          target: [budgets.tenantId, budgets.target, budgets.unit, budgets.period],
          set: { ...changed, softReachedAt: sql`case when ${isReached} then coalesce(${budgets.softReachedAt}, now()) end` },
        })
        .returning();
      if (!after) throw new Error('the budget was not returned');
      if (softAt !== null) await tellHolds(act, after);
      act.record({ thing: after.id, before: before ? shownOf(before) : null, after: shownOf(after) });
      const isNews = after.softReachedAt !== null && (before?.softReachedAt ?? null) === null;
      return { row: after, reached: isNews ? [uuidOf(after.id, 'bud')] : null };
    });
    ledger.tell(reached);
    return this.viewOf(row);
  }

  /** Deletes a budget with its counts; what is under way settles without it. */
  async delete(scope: Scope, id: string): Promise<string> {
    scope.require('budgets:write');
    if (uuidOfId(id, 'bud') === null) throw noSuchBudget();
    await this.parts.acts.run(scope, { operation: 'budgetDelete', input: {} }, async (act) => {
      const [gone] = await act.query
        .delete(budgets)
        .where(and(eq(budgets.tenantId, scope.tenantId), eq(budgets.id, id)))
        .returning();
      if (!gone) throw noSuchBudget();
      act.record({ thing: id, before: shownOf(gone), after: null });
    });
    return id;
  }

  private read(scope: Scope, id: string) {
    const isThis = and(eq(budgets.tenantId, scope.tenantId), eq(budgets.id, id));
    return this.parts.database.as(scope).query.select().from(budgets).where(isThis);
  }

  private viewOf({ slices, slice, target: _target, unitNumber: _unit, sliceHours: _hours, ...row }: BudgetRow): BudgetView {
    return { ...row, ...standingAt({ ...row, slices, slice }, this.parts.clock.now()) };
  }
}

/** Whose budget it is; throws INVALID_INPUT. */
function checked({ team, keyId, memberId, most, softAt }: BudgetSet): BudgetSubject {
  const named = (['team', 'keyId', 'memberId'] as const).filter((each) => ({ team, keyId, memberId })[each] != null);
  const [first, second] = named;
  if (second)
    throw new AppError('INVALID_INPUT', `a budget is of one subject: not of ${first} and ${second}`, { path: ['input', second] });
  if (team != null && (team.length === 0 || team.length > longestTeam || team.includes('\0') || !team.isWellFormed()))
    throw new AppError('INVALID_INPUT', `a team has 1 to ${longestTeam} characters`, { path: ['input', 'team'] });
  checkRange(most, 0, highest, ['input', 'most']);
  if (softAt != null && !(softAt > 0 && softAt <= 1))
    throw new AppError('INVALID_INPUT', `softAt is ${softAt}, not above 0 and at most 1`, { path: ['input', 'softAt'] });
  return team != null ? 'TEAM' : keyId != null ? 'KEY' : memberId != null ? 'MEMBER' : 'TENANT';
}

async function checkSubject(
  act: Act,
  { tenantId }: Scope,
  { keyId, memberId }: Pick<BudgetRow, 'keyId' | 'memberId'>,
): Promise<void> {
  if (keyId !== null) {
    const isThis = uuidOfId(keyId, 'key') === null ? null : and(eq(apiKeys.tenantId, tenantId), eq(apiKeys.id, keyId));
    const found = isThis ? await act.query.select({ id: apiKeys.id }).from(apiKeys).where(isThis) : [];
    if (found.length === 0) throw new AppError('NOT_FOUND', 'no such key', { path: ['input', 'keyId'] });
  }
  if (memberId !== null) {
    const isThis =
      uuidOfId(memberId, 'mem') === null
        ? null
        : and(eq(members.tenantId, tenantId), eq(members.id, memberId), isNull(members.removedAt));
    const found = isThis ? await act.query.select({ id: members.id }).from(members).where(isThis) : [];
    if (found.length === 0) throw new AppError('NOT_FOUND', 'no such member', { path: ['input', 'memberId'] });
  }
}

async function checkCount(act: Act, { tenantId }: Scope): Promise<void> {
  const [found] = await act.query.select({ budgets: count() }).from(budgets).where(eq(budgets.tenantId, tenantId));
  if ((found?.budgets ?? 0) >= mostBudgets)
    throw new AppError('CONFLICT', `a tenant has at most ${mostBudgets} budgets: delete one first`);
}

/**
 * Has what is reserved under a budget look at its soft limit when it is settled: it may have had none when it was reserved. What is settled right now
 * is left alone, since each would wait for the other.
 */
async function tellHolds(act: Act, { tenantId, id }: BudgetRow): Promise<void> {
  await act.sql(
    (tag) => tag`
      update budget_holds h set is_soft = true
      from (select generation_id, attempt from budget_holds
        where tenant_id = ${uuidOf(tenantId, 'ten')}::uuid and ${uuidOf(id, 'bud')}::uuid = any (budget_ids) and is_soft = false
        for update skip locked) o
      where h.tenant_id = ${uuidOf(tenantId, 'ten')}::uuid and h.generation_id = o.generation_id and h.attempt = o.attempt`,
  );
}

/** What is put on record about a budget. */
function shownOf({ subject, team, keyId, memberId, unit, period, most, softAt, allowsUnknownPrice }: BudgetRow) {
  return { subject, team, keyId, memberId, unit, period, most, softAt, allowsUnknownPrice };
}

function noSuchBudget(): AppError {
  return new AppError('NOT_FOUND', 'no such budget', { path: ['input', 'id'] });
}
