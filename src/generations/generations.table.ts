import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import type { CacheUse } from '../caching/caching.ts';
import { engineWall, tenantWall } from '../db/tenancy.ts';
import type { Guards } from '../guards/guards.ts';
import type { PromptMessage } from '../providers/port.ts';
import type { RoutePlan } from '../routing/plan.ts';
import type { ChargedPrice } from '../routing/price.ts';
import type { Skip } from './skip.ts';
import type { Estimate } from './spent.ts';
import { failoverPolicies, templateVersions } from '../templates/templates.table.ts';
import { members } from '../tenants/tenants.table.ts';

/** QUEUED waits for a process with room, RUNNING has an open attempt, the others are final. */
export const generationStatuses = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'INCOMPLETE', 'FAILED', 'CANCELLED'] as const;
export type GenerationStatus = (typeof generationStatuses)[number];

/**
 * How an attempt ended. TAKEN_OVER: its process was lost; what it delivered may be longer than what is stored. OUTRUN: another call was made
 * beside it and had text first; it wrote nothing. NOT_CALLED: it came to no call; only its number counts, for readers of the stream.
 */
export const attemptEnds = ['FINISHED', 'FAILED', 'CANCELLED', 'TAKEN_OVER', 'OUTRUN', 'NOT_CALLED'] as const;
export type AttemptEnd = (typeof attemptEnds)[number];

/** Why a later attempt replaced an earlier one. */
export const restartReasons = [
  'PROVIDER_ERROR',
  'GUARD',
  'HEDGE',
  'SOURCE_LOST',
  'TAKE_OVER',
  'ABANDONED',
  'CANCELLED',
  'TIMEOUT',
] as const;
export type RestartReason = (typeof restartReasons)[number];

const moment = () => timestamp({ withTimezone: true });

/** Runs: template version + variables + model choice -> one text. */
export const generations = pgTable(
  'generations',
  {
    tenantId: id('ten').notNull(),
    id: id('gen').notNull(),
    memberId: id('mem').notNull(),
    /** The API key it was started with, for that key's limit; null for none. */
    keyId: id('key'),
    templateVersionId: id('tpv')
      .notNull()
      .references(() => templateVersions.id),
    templateSlug: text().notNull(),
    retryOf: id('gen'),
    status: text({ enum: generationStatuses }).notNull(),
    requestedModel: text().notNull(),
    /** What its tenant's route came to; null where nothing but `requestedModel` is needed to know. */
    plan: jsonb().$type<RoutePlan>(),
    /** The model of the current attempt, or the one that is planned. */
    model: text().notNull(),
    variables: jsonb().$type<Record<string, unknown>>().notNull(),
    metadata: jsonb().$type<Record<string, unknown>>(),
    prompt: jsonb().$type<readonly PromptMessage[]>().notNull(),
    draft: text().notNull(),
    maxOutputTokens: integer().notNull(),
    temperature: doublePrecision(),
    failoverPolicy: text({ enum: failoverPolicies }).notNull(),
    /** What is masked and checked; null for none, as with rows of builds that knew no guards. */
    guards: jsonb().$type<Guards>(),
    /** How it uses the cache; null for not at all. */
    cache: jsonb().$type<CacheUse>(),
    /** The models that were to write and were not asked, oldest first; null for none. */
    skipped: jsonb().$type<readonly Skip[]>(),
    /** Raised by every take-over; a writer with an older one has lost. */
    epoch: integer().notNull(),
    /** Number of the current attempt; 0 while QUEUED. */
    attempt: integer().notNull(),
    takeOvers: integer().notNull().default(0),
    /** Until then the owner is taken to live; null when nobody owns it. */
    leaseUntil: moment(),
    cancelRequestedAt: moment(),
    /** The final text; null while running (the chunks hold it). */
    text: text(),
    finishReason: text({ enum: ['STOP', 'LENGTH', 'CONTENT_FILTER', 'OTHER'] }),
    failureCode: text(),
    failureMessage: text(),
    failureRetryable: boolean(),
    /** The sums over its attempts; null where one of them is unknown. */
    inputTokens: integer(),
    outputTokens: integer(),
    cachedInputTokens: integer(),
    costMicros: bigint({ mode: 'number' }),
    createdAt: moment().notNull().defaultNow(),
    startedAt: moment(),
    firstTokenAt: moment(),
    finishedAt: moment(),
    /** Set when the chunks of a finished generation are gone. */
    chunksDeletedAt: moment(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    foreignKey({ columns: [table.tenantId, table.memberId], foreignColumns: [members.tenantId, members.id] }).onDelete('cascade'),
    // No other index may begin with the tenant and hold every row: while there are no statistics Postgres takes it for the primary
    // key's equal, and each look for one generation then reads all of its tenant.
    index('generations_member_id').on(table.memberId, table.tenantId, table.id),
    index('generations_lease')
      .on(table.leaseUntil)
      .where(sql`status = 'RUNNING'`),
    index('generations_queue')
      .on(table.createdAt)
      .where(sql`status = 'QUEUED'`),
    // Counted at each start against the tenant's limits. Not by status: while there are no statistics Postgres would take it for the
    // primary key's equal wherever a statement names one.
    index('generations_unfinished')
      .on(table.tenantId, table.memberId)
      .where(sql`finished_at is null`),
    index('generations_finished')
      .on(table.finishedAt)
      .where(sql`finished_at is not null and chunks_deleted_at is null`),
    index('generations_retention')
      .on(table.tenantId, table.finishedAt)
      .where(sql`finished_at is not null`),
    tenantWall(),
    engineWall(),
  ],
);

/** Calls to providers inside a generation, and what came to none (NOT_CALLED); numbered from 1, never deleted before their generation. */
export const attempts = pgTable(
  'attempts',
  {
    tenantId: id('ten').notNull(),
    generationId: id('gen').notNull(),
    number: integer().notNull(),
    epoch: integer().notNull(),
    model: text().notNull(),
    /** Where its text begins in the generation's text, in UTF-16 code units: 0 for a restart. */
    base: integer().notNull(),
    /** Why it replaced the one before; null for the first. */
    reason: text({ enum: restartReasons }),
    /** The generation whose text it copies; null for a call to a model. */
    source: id('gen'),
    startedAt: moment().notNull().defaultNow(),
    firstTokenAt: moment(),
    endedAt: moment(),
    endedBy: text({ enum: attemptEnds }),
    /** Where its text ended; null while open, and after a take-over, when nobody knows. */
    endOffset: integer(),
    failureCode: text(),
    failureMessage: text(),
    /** What the provider counted; null while open, and where it did not say. */
    inputTokens: integer(),
    outputTokens: integer(),
    cachedInputTokens: integer(),
    cacheWriteTokens: integer(),
    /** In millionths of a US dollar; null while open, and where price or usage is unknown. */
    costMicros: bigint({ mode: 'number' }),
    /** What it was charged by; null where that is unknown, or nothing was used. */
    price: jsonb().$type<ChargedPrice>(),
    /** What it may have used; null where that is known, and of rows of earlier builds. */
    estimate: jsonb().$type<Estimate>(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.generationId, table.number] }),
    foreignKey({
      columns: [table.tenantId, table.generationId],
      foreignColumns: [generations.tenantId, generations.id],
    }).onDelete('cascade'),
    tenantWall(),
    engineWall(),
  ],
);

/** Text of running generations as it was flushed; deleted a minute after the finish. */
export const chunks = pgTable(
  'chunks',
  {
    tenantId: id('ten').notNull(),
    generationId: id('gen').notNull(),
    attempt: integer().notNull(),
    /** Offset of `body` in the generation's text, in UTF-16 code units. */
    start: integer().notNull(),
    body: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.generationId, table.attempt, table.start] }),
    foreignKey({
      columns: [table.tenantId, table.generationId],
      foreignColumns: [generations.tenantId, generations.id],
    }).onDelete('cascade'),
    tenantWall(),
    engineWall(),
  ],
);

export type GenerationRow = typeof generations.$inferSelect;
export type AttemptRow = typeof attempts.$inferSelect;
