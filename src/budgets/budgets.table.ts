import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  doublePrecision,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { apiKeys } from '../access/keys.table.ts';
import { id } from '../db/ids.ts';
import { engineWall, tenantWall } from '../db/tenancy.ts';
import { members, tenants } from '../tenants/tenants.table.ts';

/** Whose generations count. A team is a text that starts are tagged with, `metadata.team`. */
export const budgetSubjects = ['TENANT', 'TEAM', 'KEY', 'MEMBER'] as const;
export type BudgetSubject = (typeof budgetSubjects)[number];

/** What is counted: millionths of a US dollar, tokens in and out, or generations. */
export const budgetUnits = ['COST_MICROS', 'TOKENS', 'GENERATIONS'] as const;
export type BudgetUnit = (typeof budgetUnits)[number];

/** The window that slides: 24 hours, 7 days, 30 days. */
export const budgetPeriods = ['DAY', 'WEEK', 'MONTH'] as const;
export type BudgetPeriod = (typeof budgetPeriods)[number];

const moment = () => timestamp({ withTimezone: true });
const amount = () => bigint({ mode: 'number' });

/**
 * Caps. What is settled is kept by slices of the window: an hour of a day, six hours of a week, a day of a month. The slices are a ring with room for one
 * more than the window has, the one that is running. So every window of that length lies within what is counted, the cap holds for each of them,
 * and what was used leaves up to one slice late. Only the functions of the migrations write the counters.
 */
export const budgets = pgTable(
  'budgets',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    id: id('bud').notNull(),
    subject: text({ enum: budgetSubjects }).notNull(),
    /** The name or id of the subject; null in the columns of other kinds of subject. */
    team: text(),
    keyId: id('key'),
    memberId: id('mem'),
    /** The subject as one text, by which starts find their caps. A trigger writes it and the two numbers below. They are no generated columns, since Postgres would work those out anew with every change of a row. */
    target: text().notNull().default(''),
    /** The unit's place in the amounts of a hold, from 1. */
    unitNumber: integer().notNull().default(0),
    /** How many hours a slice of the window has. */
    sliceHours: integer().notNull().default(0),
    unit: text({ enum: budgetUnits }).notNull(),
    period: text({ enum: budgetPeriods }).notNull(),
    /** The cap, in its unit. */
    most: amount().notNull(),
    /** Part of the cap, 0..1, from which on a message says that it is being used up; null for none. */
    softAt: doublePrecision(),
    /** Whether models without a known price may be called under a cap in money; they count nothing then. */
    allowsUnknownPrice: boolean().notNull().default(false),
    /** What was used in the window, as of `slice`: the sum of `slices`. */
    settled: amount().notNull().default(0),
    /** What is reserved by calls under way. */
    outstanding: amount().notNull().default(0),
    /** The ring: slice n is at place n modulo its length. */
    slices: bigint({ mode: 'number' })
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** The newest slice in it, counted from 1970. */
    slice: integer().notNull().default(0),
    /** Since when what is settled is at the soft limit or above; null below it. */
    softReachedAt: moment(),
    createdAt: moment().notNull().defaultNow(),
    updatedAt: moment().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    // Not by the tenant first: while there are no statistics Postgres would take it for the primary key's equal.
    unique('budgets_target').on(table.target, table.tenantId, table.unit, table.period),
    foreignKey({
      name: 'budgets_key',
      columns: [table.tenantId, table.keyId],
      foreignColumns: [apiKeys.tenantId, apiKeys.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'budgets_member',
      columns: [table.tenantId, table.memberId],
      foreignColumns: [members.tenantId, members.id],
    }).onDelete('cascade'),
    // For the day on which a key or a member goes.
    index('budgets_key_id').on(table.keyId, table.tenantId),
    index('budgets_member_id').on(table.memberId, table.tenantId),
    tenantWall(),
    engineWall(),
  ],
);

/**
 * What calls have reserved: one row each, gone when it is settled. Not a child of its generation, which may be deleted while a call
 * is under way: what is left over is settled by a sweep.
 */
export const budgetHolds = pgTable(
  'budget_holds',
  {
    tenantId: id('ten').notNull(),
    generationId: id('gen').notNull(),
    /** The attempt it was reserved for. When two models are asked at once the second call has the same number, negative. */
    attempt: integer().notNull(),
    /** The uuids of the budgets that count it. */
    budgetIds: uuid().array().notNull(),
    /** What was reserved, by the numbers of the units; one for each budget where `isTogether` is null. */
    amounts: bigint({ mode: 'number' }).array().notNull(),
    /** Whether a budget of the whole tenant counts it: then all holds of the tenant take turns by that budget's lock. Null in holds of earlier builds. */
    isTogether: boolean(),
    /** Whether one of the budgets that count it has a soft limit. Null where that has to be looked up: in holds of earlier builds, and in those that had no room at the first look. */
    isSoft: boolean(),
    createdAt: moment().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.generationId, table.attempt] }), tenantWall(), engineWall()],
);

export type BudgetRow = typeof budgets.$inferSelect;
