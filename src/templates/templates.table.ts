import { sql } from 'drizzle-orm';
import { foreignKey, integer, jsonb, pgPolicy, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import type { TemplateGuards } from '../guards/guards.ts';
import { appRole, engineWall } from '../db/tenancy.ts';
import type { CacheMode } from '../tenants/tenants.table.ts';

/** What happens to a text whose provider fails after the first token: it is written anew, or kept as INCOMPLETE. */
export const failoverPolicies = ['RESTART', 'CONTINUE', 'STOP'] as const;
export type FailoverPolicy = (typeof failoverPolicies)[number];

/** How generations of a template use the texts of others where their callers say nothing. */
export interface TemplateCache {
  readonly mode: CacheMode;
  /** Null for the installation's default. */
  readonly maxAgeSeconds: number | null;
}

/** Library templates belong to nobody and are read by everyone; the engine's role writes them at boot. */
const everyoneReads = () => pgPolicy('everyone_reads', { as: 'permissive', for: 'select', to: appRole, using: sql`true` });

/** Named kinds of document. */
export const templates = pgTable(
  'templates',
  {
    id: id('tpl').primaryKey(),
    slug: text().notNull().unique(),
    kind: text().notNull(),
    title: text().notNull(),
    description: text().notNull(),
    /** The version that `production` points at. */
    currentVersionId: id('tpv').notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  () => [everyoneReads(), engineWall()],
);

/** Versions of templates; never changed once stored. */
export const templateVersions = pgTable(
  'template_versions',
  {
    id: id('tpv').primaryKey(),
    templateId: id('tpl').notNull(),
    number: integer().notNull(),
    contentHash: text().notNull(),
    variablesSchema: jsonb().$type<Record<string, unknown>>().notNull(),
    sample: jsonb().$type<Record<string, unknown>>().notNull(),
    maxOutputTokens: integer().notNull(),
    failoverPolicy: text({ enum: failoverPolicies }).notNull(),
    guards: jsonb()
      .$type<TemplateGuards>()
      .notNull()
      .default(sql`'{"masking": false, "checks": {}}'::jsonb`),
    /** What its texts are: JSON that fits this JSON Schema; null for plain text. */
    outputSchema: jsonb().$type<Record<string, unknown>>(),
    /** Null where the template leaves that to the tenant. */
    cache: jsonb().$type<TemplateCache>(),
    draftSource: text().notNull(),
    promptSource: text().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    foreignKey({ columns: [table.templateId], foreignColumns: [templates.id] }).onDelete('cascade'),
    unique('template_versions_template_id_number').on(table.templateId, table.number),
    everyoneReads(),
    engineWall(),
  ],
);

export type TemplateRow = typeof templates.$inferSelect;
export type TemplateVersionRow = typeof templateVersions.$inferSelect;
