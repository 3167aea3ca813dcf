import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { rawPage, type Page, type PageInput } from '../db/page.ts';
import { generations } from '../generations/generations.table.ts';
import { AppError } from '../kernel/errors.ts';
import { checkMoment } from '../kernel/given.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { usageDimensions, type UsageDimension, type UsageSource } from './dimensions.ts';

/** Which usage. */
export interface UsageQuestion {
  readonly of: UsageSource;
  readonly groupBy: readonly UsageDimension[];
  /** By when a generation was asked for; `to` is not part of it. */
  readonly range: { readonly from: Date; readonly to: Date };
  /** Whose days are meant. */
  readonly timeZone: string;
  /** Whether estimates are wanted. They have to read attempts; the sums need only generations. */
  readonly withEstimates: boolean;
}

/** An estimate of what is in no sum of a group; null where there is nothing to estimate. */
export interface UsageEstimateRow {
  readonly generations: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costMicros: number | null;
  readonly hedgingCostMicros: number | null;
  readonly unknownCost: number;
}

/** What a group used. Null in the dimensions that it is not grouped by, and for sums of which nothing is known. */
export interface UsageGroupRow {
  readonly day: string | null;
  readonly model: string | null;
  readonly template: string | null;
  readonly memberId: string | null;
  readonly keyId: string | null;
  readonly generations: number;
  readonly unfinished: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly unknownUsage: number;
  readonly costMicros: number | null;
  readonly unknownCost: number;
  /** Null unless it was asked for. */
  readonly estimate: UsageEstimateRow | null;
}

/** The five columns by which groups are sorted, which make up a cursor; empty for dimensions that are not grouped by. */
type Keys = readonly [day: string, model: string, template: string, member: string, key: string];

interface GroupRow extends Omit<UsageGroupRow, 'day' | 'model' | 'template' | 'memberId' | 'keyId'> {
  readonly keys: Keys;
}

const dayMs = 86_400_000;
const longestDays = 366;

/** Sums up what generations used and cost. */
export class UsageService {
  constructor(private readonly database: Database) {}

  /** One page of groups, sorted by day, model, template, member and key. */
  async page(scope: Scope, input: PageInput, question: UsageQuestion): Promise<Page<UsageGroupRow>> {
    scope.require('usage:read');
    const { of, groupBy, range, withEstimates } = question;
    checkRange(range);
    const zone = zoneOf(question.timeZone);
    const dimensions = usageDimensions.filter((each) => groupBy.includes(each));
    const has = (dimension: UsageDimension): boolean => dimensions.includes(dimension);
    return rawPage<UsageGroupRow>(input, {
      list: `usage:${of === 'GENERATIONS' ? '' : `${of}:`}${dimensions.join(',')}`,
      tenantId: scope.tenantId,
      key: generations.templateSlug,
      keyOf: (group) => JSON.stringify(keysOf(group)),
      rows: async (after, limit) => {
        const behind = after === null ? null : keysIn(after);
        // Ids are in order of time, made by processes whose clocks may be off: a day more on both sides for the index, and `created_at` decides.
        const [least, most] = [uuidAt(range.from.getTime() - dayMs), uuidAt(range.to.getTime() + dayMs)];
        const asked = this.database.as(scope).sql<GroupRow>(
          (sql) => sql`
            select array[day, model, template, member, key] as keys, generations, unfinished, "inputTokens", "outputTokens",
                   "cachedInputTokens", "unknownUsage", "costMicros", "unknownCost", estimate
            from (
              select ${has('DAY') ? sql`to_char(created_at at time zone ${zone}::text, 'YYYY-MM-DD')` : sql`''`} collate "C" as day,
                     ${has('MODEL') ? sql`model` : sql`''`} collate "C" as model,
                     ${has('TEMPLATE') ? sql`template_slug` : sql`''`} collate "C" as template,
                     ${has('MEMBER') ? sql`member_id::text` : sql`''`} collate "C" as member,
                     ${has('KEY') ? sql`coalesce(key_id::text, '')` : sql`''`} collate "C" as key,
                     count(*)::int as generations,
                     (count(*) filter (where finished_at is null))::int as unfinished,
                     sum(input_tokens)::float8 as "inputTokens",
                     sum(output_tokens)::float8 as "outputTokens",
                     sum(cached_input_tokens)::float8 as "cachedInputTokens",
                     (count(*) filter (where finished_at is not null and (input_tokens is null or output_tokens is null)))::int as "unknownUsage",
                     sum(cost_micros)::float8 as "costMicros",
                     (count(*) filter (where finished_at is not null and cost_micros is null))::int as "unknownCost",
                     ${withEstimates ? estimated(sql) : sql`null::jsonb`} as estimate
              from ${of === 'GENERATIONS' ? sql`generations` : tests(sql)} g ${withEstimates ? estimates(sql, of) : sql``}
              where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and id >= ${least}::uuid and id < ${most}::uuid
                and created_at >= ${range.from} and created_at < ${range.to}
              group by 1, 2, 3, 4, 5
            ) as groups
            where ${behind === null}::bool
               or (day, model, template, member, key) > (${behind?.[0] ?? ''}::text, ${behind?.[1] ?? ''}::text, ${behind?.[2] ?? ''}::text,
                                                         ${behind?.[3] ?? ''}::text, ${behind?.[4] ?? ''}::text)
            order by day, model, template, member, key limit ${limit}`,
          { idempotent: true },
        );
        const rows = await asked.catch((error: unknown) => {
          // A zone that the language knows, and this database does not.
          throw (error as { code?: unknown }).code === '22023' ? noSuchZone(error) : error;
        });
        return rows.map(({ keys: [day, model, template, member, key], ...sums }) => ({
          ...sums,
          day: has('DAY') ? day : null,
          model: has('MODEL') ? model : null,
          template: has('TEMPLATE') && template !== '' ? template : null,
          memberId: has('MEMBER') ? idOfUuid('mem', member) : null,
          keyId: has('KEY') && key !== '' ? idOfUuid('key', key) : null,
        }));
      },
    });
  }
}

/** For each generation whose usage or cost is not known: an estimate, added up from its attempts as `estimateOfAll` does it. */
function estimates(sql: SqlTag, of: UsageSource): Statement {
  if (of === 'MODEL_TESTS')
    return sql`
              left join lateral (
                select true as is_likely, null::bigint as likely_input, null::bigint as likely_output,
                       g.most_cost_micros as likely_cost, null::bigint as likely_hedging
                where g.cost_micros is null
              ) likely on true`;
  return sql`
              left join lateral (
                select true as is_likely, sum(coalesce(a.input_tokens, (a.estimate->>'inputTokens')::bigint)) as likely_input,
                       sum(coalesce(a.output_tokens, (a.estimate->>'outputTokens')::bigint)) as likely_output,
                       case when bool_and(a.cost_micros is not null or a.estimate->>'costMicros' is not null)
                            then sum(coalesce(a.cost_micros, (a.estimate->>'costMicros')::bigint)) end as likely_cost,
                       sum((a.estimate->>'costMicros')::bigint) filter (where a.ended_by = 'OUTRUN') as likely_hedging
                from attempts a
                where g.finished_at is not null and (g.input_tokens is null or g.output_tokens is null or g.cost_micros is null)
                  and a.tenant_id = g.tenant_id and a.generation_id = g.id
                having bool_or(a.estimate is not null)
                   and bool_and(a.estimate is not null or (a.input_tokens is not null and a.output_tokens is not null))
              ) likely on true`;
}

/** Calls that tried models, with the columns of generations. */
function tests(sql: SqlTag): Statement {
  return sql`(
                select tenant_id, id, created_at, created_at as finished_at, model, '' as template_slug, member_id, key_id,
                       input_tokens, output_tokens, null::int as cached_input_tokens, cost_micros, most_cost_micros
                from model_trials)`;
}

function estimated(sql: SqlTag): Statement {
  return sql`jsonb_build_object(
                       'generations', count(is_likely),
                       'inputTokens', sum(likely_input) filter (where input_tokens is null),
                       'outputTokens', sum(likely_output) filter (where output_tokens is null),
                       'costMicros', sum(likely_cost) filter (where cost_micros is null),
                       'hedgingCostMicros', sum(likely_hedging) filter (where cost_micros is null and likely_cost is not null),
                       'unknownCost', count(is_likely) filter (where cost_micros is null and likely_cost is null))`;
}

function keysOf({ day, model, template, memberId, keyId }: UsageGroupRow): Keys {
  const uuid = (id: string | null): string => (id === null ? '' : uuidOf(id));
  return [day ?? '', model ?? '', template ?? '', uuid(memberId), uuid(keyId)];
}

/** The keys in a cursor. Throws INVALID_CURSOR for one that we did not write. */
function keysIn(cursor: string): Keys {
  const keys: unknown = parsed(cursor);
  if (
    Array.isArray(keys) &&
    keys.length === 5 &&
    keys.every((key) => typeof key === 'string' && key.isWellFormed() && !key.includes('\0'))
  )
    return keys as unknown as Keys;
  throw new AppError('INVALID_CURSOR', 'after is no cursor of this list', { path: ['after'] });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cursor of ours.
    return null;
  }
}

function checkRange({ from, to }: UsageQuestion['range']): void {
  for (const [name, moment] of Object.entries({ from, to })) checkMoment(moment, ['range', name]);
  const days = (to.getTime() - from.getTime()) / dayMs;
  const reason = days <= 0 ? 'it ends before it begins' : days > longestDays ? `it is longer than ${longestDays} days` : null;
  if (reason !== null) throw new AppError('INVALID_INPUT', reason, { path: ['range', 'to'] });
}

/**
 * The name of a zone as it was given: the language would make `Asia/Calcutta` of `Asia/Kolkata`, which not every database has. Offsets are refused: the two
 * read their signs the other way round.
 */
function zoneOf(name: string): string {
  try {
    if (/^[A-Za-z][\w+/-]{0,60}$/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name })) return name;
  } catch {
    // A RangeError says no more than the refusal does.
  }
  throw noSuchZone();
}

function noSuchZone(cause?: unknown): AppError {
  const message = 'there is no such time zone; they are named like Europe/Berlin';
  return new AppError('INVALID_INPUT', message, { path: ['timeZone'], cause });
}

/** The least uuid, version 7, of a moment: they begin with it. */
function uuidAt(ms: number): string {
  const hex = Math.max(0, Math.trunc(ms)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}
