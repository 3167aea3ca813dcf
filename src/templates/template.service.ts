import { and, eq, inArray, type SQL } from 'drizzle-orm';
import type { Database, TenantScope } from '../db/client.ts';
import { rowsById } from '../db/by-id.ts';
import { uuidOf } from '../db/ids.ts';
import { page, type Page, type PageInput } from '../db/page.ts';
import { marksOf } from '../guards/fence.ts';
import type { Guards } from '../guards/guards.ts';
import { personalFields } from '../guards/personal.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfName, prefixOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { LibraryTemplate } from './library.ts';
import { compileTemplate, TemplateFault, type Rendering } from './render.ts';
import { sealed, type JsonSchema, type TemplateKind, type TemplateSource, type Variables } from './source.ts';
import {
  templates,
  templateVersions,
  type FailoverPolicy,
  type TemplateCache,
  type TemplateRow,
  type TemplateVersionRow,
} from './templates.table.ts';
import { checkVariables } from './variables.ts';

/** A version that can be used: it checks variables and writes draft and prompt. */
export interface UsableVersion {
  readonly id: string;
  readonly slug: string;
  readonly maxOutputTokens: number;
  readonly failoverPolicy: FailoverPolicy;
  readonly guards: Guards;
  /** What its texts are: JSON that fits this schema; null for plain text. */
  readonly outputSchema: JsonSchema | null;
  /** How its generations use the texts of others where their callers say nothing; null leaves that to the tenant. */
  readonly cache: TemplateCache | null;
  /** For the scope's tenant. Throws INVALID_INPUT with the path of the first variable that does not fit. */
  render(scope: TenantScope, variables: unknown): Rendering & { readonly variables: Record<string, unknown> };
}

/** Which templates to list; absent and null let all pass. */
export interface TemplateFilter {
  readonly kind?: string | null;
}

/** The library's templates and their versions. */
export class TemplateService {
  private readonly bySlug: ReadonlyMap<string, UsableVersion>;
  private readonly byId: ReadonlyMap<string, UsableVersion>;
  private readonly marks: ReturnType<typeof marksOf>;

  constructor(
    private readonly database: Database,
    private readonly library: readonly LibraryTemplate[],
    secret: string,
  ) {
    this.marks = marksOf(secret);
    const usable = library.map((source) => ({ source, version: this.usable(versionId(source), source) }));
    this.bySlug = new Map(usable.map(({ source, version }) => [source.slug, version]));
    this.byId = new Map(
      usable.flatMap(({ source, version }) => [[templateId(source.slug), version] as const, [version.id, version] as const]),
    );
  }

  /**
   * Stores what the library holds: new templates, and a new version wherever the content changed. The same content has the same id in
   * every process, so any number of them may do this at once.
   */
  async storeLibrary(): Promise<void> {
    await this.database.engine.transaction(
      async (transaction) => {
        await transaction.sql((tag) => tag`select pg_advisory_xact_lock(7233918453)`);
        for (const source of this.library) {
          const ids = { template: uuidOf(templateId(source.slug)), version: uuidOf(versionId(source)) };
          await transaction.sql(
            (tag) => tag`
              insert into templates (id, slug, kind, title, description, current_version_id)
              values (${ids.template}, ${source.slug}, ${source.kind}, ${source.title}, ${source.description}, ${ids.version})
              on conflict (id) do update set title = excluded.title, description = excluded.description, current_version_id = excluded.current_version_id`,
          );
          await transaction.sql(
            (tag) => tag`
              insert into template_versions (id, template_id, number, content_hash, variables_schema, sample, max_output_tokens, failover_policy,
                guards, output_schema, cache, draft_source, prompt_source)
              select ${ids.version}, ${ids.template}, coalesce(max(number), 0) + 1, ${source.contentHash}, ${tag.json(source.variablesSchema)}::jsonb,
                ${tag.json(source.samples[0]?.variables ?? {})}::jsonb, ${source.maxOutputTokens}::int, ${source.failoverPolicy},
                ${tag.json(source.guards)}::jsonb, ${source.outputSchema && tag.json(source.outputSchema)}::jsonb,
                ${source.cache && tag.json(source.cache)}::jsonb, ${source.draftSource},
                ${source.promptSource}
              from template_versions where template_id = ${ids.template}
              on conflict (id) do nothing`,
          );
        }
      },
      { idempotent: true },
    );
  }

  /** The version that a slug or the id of a template (its current version) or of a version names. Throws NOT_FOUND. */
  async getVersion(scope: Scope, reference: string): Promise<UsableVersion> {
    scope.require('templates:read');
    const known = this.bySlug.get(reference) ?? this.byId.get(reference);
    if (known) return known;
    const stored = await this.findStored(scope, reference);
    if (!stored) throw new AppError('NOT_FOUND', 'no such template', { path: ['input', 'template'] });
    try {
      return this.usable(stored.version.id, sourceOf(stored.template, stored.version));
    } catch (cause) {
      if (!(cause instanceof TemplateFault)) throw cause;
      throw new AppError('UNAVAILABLE', 'this template was written by a later build than this one', { cause });
    }
  }

  /** What an earlier or later build has stored: its sources are with it. */
  private async findStored(
    scope: Scope,
    reference: string,
  ): Promise<{ template: TemplateRow; version: TemplateVersionRow } | null> {
    const isVersion = prefixOfId(reference) === 'tpv';
    const [named] = isVersion ? await this.versions(scope, [reference]) : [];
    if (isVersion && !named) return null;
    const [byId] = await this.list(scope, [named?.templateId ?? reference]);
    const template = byId ?? (named ? null : await this.findBySlug(scope, reference));
    if (!template) return null;
    const [version] = named ? [named] : await this.versions(scope, [template.currentVersionId]);
    return version ? { template, version } : null;
  }

  /** The output schema of a version that a generation was made from; null for plain text. */
  async outputSchemaOf(tenant: TenantScope, versionId: string): Promise<JsonSchema | null> {
    const known = this.byId.get(versionId);
    if (known) return known.outputSchema;
    const [row] = await this.database
      .as(tenant)
      .query.select({ outputSchema: templateVersions.outputSchema })
      .from(templateVersions)
      .where(eq(templateVersions.id, versionId));
    return row?.outputSchema ?? null;
  }

  async findBySlug(scope: Scope, slug: string): Promise<TemplateRow | null> {
    scope.require('templates:read');
    const [row] = await this.database.as(scope).query.select().from(templates).where(eq(templates.slug, slug));
    return row ?? null;
  }

  /** Templates by id, in the order asked for; null for unknown ones. */
  async list(scope: Scope, ids: readonly string[]): Promise<(TemplateRow | null)[]> {
    scope.require('templates:read');
    return rowsById('tpl', ids, (known) =>
      this.database.as(scope).query.select().from(templates).where(inArray(templates.id, known)),
    );
  }

  /** Versions by id, in the order asked for; null for unknown ones. */
  async versions(scope: Scope, ids: readonly string[]): Promise<(TemplateVersionRow | null)[]> {
    scope.require('templates:read');
    return rowsById('tpv', ids, (known) =>
      this.database.as(scope).query.select().from(templateVersions).where(inArray(templateVersions.id, known)),
    );
  }

  /** A page of templates by slug. */
  async page(scope: Scope, input: PageInput, filter: TemplateFilter): Promise<Page<TemplateRow>> {
    scope.require('templates:read');
    const ofKind: SQL | undefined = filter.kind ? eq(templates.kind, filter.kind) : undefined;
    return page<TemplateRow>(input, {
      list: 'templates',
      tenantId: null,
      key: templates.slug,
      direction: 'ascending',
      keyOf: ({ slug }) => slug,
      rows: (where, orderBy, limit) =>
        this.database.as(scope).query.select().from(templates).where(and(ofKind, where)).orderBy(orderBy).limit(limit),
    });
  }

  private usable(id: string, source: TemplateSource): UsableVersion {
    const template = compileTemplate(source);
    return {
      id,
      slug: source.slug,
      maxOutputTokens: source.maxOutputTokens,
      failoverPolicy: source.failoverPolicy,
      outputSchema: source.outputSchema,
      cache: source.cache,
      guards: { ...source.guards, personal: personalFields(source.variablesSchema) },
      render: ({ tenantId }, given) => {
        const variables: Variables = checkVariables(source.variablesSchema, given);
        return { ...template.render(variables, this.marks(tenantId)), variables };
      },
    };
  }
}

function templateId(slug: string): string {
  return idOfName('tpl', `library/${slug}`);
}

function versionId({ slug, contentHash }: TemplateSource): string {
  return idOfName('tpv', `library/${slug}/${contentHash}`);
}

function sourceOf(template: TemplateRow, version: TemplateVersionRow): TemplateSource {
  return sealed({
    slug: template.slug,
    kind: template.kind as TemplateKind,
    title: template.title,
    description: template.description,
    variablesSchema: version.variablesSchema,
    samples: [{ title: template.title, variables: version.sample }],
    draftSource: version.draftSource,
    promptSource: version.promptSource,
    maxOutputTokens: version.maxOutputTokens,
    failoverPolicy: version.failoverPolicy,
    guards: version.guards,
    outputSchema: version.outputSchema,
    cache: version.cache,
  });
}
