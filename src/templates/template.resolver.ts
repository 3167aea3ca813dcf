import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { TemplateFilterInput } from './template.input.ts';
import type { TemplateService } from './template.service.ts';
import { Template, TemplateConnection, TemplateVersion } from './template.type.ts';
import type { TemplateRow, TemplateVersionRow } from './templates.table.ts';

@Resolver(() => Template)
export class TemplateResolver {
  /** Templates by id. */
  readonly byId: LoaderFactory<string, TemplateRow | null> = (scope) => (ids) => this.templates.list(scope, ids);
  /** Versions by id. */
  readonly versionById: LoaderFactory<string, TemplateVersionRow | null> = (scope) => (ids) =>
    this.templates.versions(scope, ids);

  constructor(private readonly templates: TemplateService) {}

  @Query(() => Template, {
    nullable: true,
    description: 'The template with this slug; null when there is none. Requires `templates:read`.',
  })
  template(
    @Ctx() { scope }: RequestContext,
    @Arg('slug', () => String, { description: 'Its slug.' }) slug: string,
  ): Promise<TemplateRow | null> {
    return this.templates.findBySlug(scope, slug);
  }

  @Query(() => TemplateConnection, { name: 'templates', description: 'Templates by slug. Requires `templates:read`.' })
  list(
    @Ctx() { scope }: RequestContext,
    @Args(() => ConnectionArgs) { first, after }: ConnectionArgs,
    @Arg('filter', () => TemplateFilterInput, { nullable: true, description: 'Which ones; all when absent.' })
    filter?: TemplateFilterInput | null,
  ) {
    return this.templates.page(scope, { first: first ?? 20, after }, filter ?? {});
  }

  @FieldResolver(() => TemplateVersion)
  currentVersion(@Root() { currentVersionId }: TemplateRow, @Ctx() { loaders }: RequestContext) {
    return loaders.get(this.versionById).load(currentVersionId);
  }
}
