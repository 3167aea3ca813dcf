import { GraphQLID, type GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, FieldResolver, Info, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import { bySubscriber } from '../graphql/schema.ts';
import { fieldsOnPage } from '../graphql/selection.ts';
import type { TemplateResolver } from '../templates/template.resolver.ts';
import { Template, TemplateVersion } from '../templates/template.type.ts';
import { idOfUuid } from '../kernel/id.ts';
import { encodeCursor } from './cursor.ts';
import {
  GenerationCancelInput,
  GenerationDeleteInput,
  GenerationFilterInput,
  GenerationRetryInput,
  GenerationStartInput,
} from './generation.input.ts';
import type { GenerationMessageValue } from './generation.messages.ts';
import {
  GenerationCancelPayload,
  GenerationDeletePayload,
  GenerationRetryPayload,
  GenerationStartPayload,
} from './generation.payload.ts';
import type { GenerationService } from './generation.service.ts';
import type { GenerationView, TextAt } from './generation.view.ts';
import type { StreamService } from './stream.service.ts';
import {
  Generation,
  GenerationAttempt,
  GenerationCache,
  GenerationConnection,
  GenerationEstimate,
  GenerationFailure,
  GenerationMessage,
  GenerationSkip,
  GenerationUsage,
} from './generation.type.ts';
import type { AttemptRow } from './generations.table.ts';
import { estimateOfAll } from './spent.ts';
import { isFinal } from './story.ts';

interface StreamArgs {
  readonly id: string;
  readonly after?: string | null;
}

/** The mutations that wait until their request is admitted, and do all before that which has no effect. */
export const patientMutations: ReadonlySet<string> = new Set(['generationStart', 'generationRetry']);

@Resolver(() => Generation)
export class GenerationResolver {
  /** Generations by id. */
  readonly byId: LoaderFactory<string, GenerationView | null> = (scope) => (ids) => this.generations.list(scope, ids);
  private readonly texts: LoaderFactory<string, TextAt | null> = (scope) => (ids) => this.generations.texts(scope, ids);
  private readonly attemptsOf: LoaderFactory<string, AttemptRow[]> = (scope) => (ids) => this.generations.attempts(scope, ids);

  constructor(
    private readonly generations: GenerationService,
    private readonly streams: StreamService,
    private readonly templates: TemplateResolver,
  ) {}

  @Query(() => Generation, {
    nullable: true,
    description:
      'The generation with this id; null when there is none, or it is not yours; that of another member needs `generations:others`. ' +
      'Requires `generations:read`.',
  })
  generation(@Ctx() { loaders }: RequestContext, @Arg('id', () => GraphQLID, { description: 'Its id.' }) id: string) {
    return loaders.get(this.byId).load(id);
  }

  @Query(() => GenerationConnection, {
    name: 'generations',
    description:
      'The own generations, newest first; with `generations:others` those of the whole tenant. Requires `generations:read`.',
  })
  page(
    @Ctx() { scope }: RequestContext,
    @Info() info: GraphQLResolveInfo,
    @Args(() => ConnectionArgs) { first, after }: ConnectionArgs,
    @Arg('filter', () => GenerationFilterInput, { nullable: true, description: 'Which ones; all when absent.' })
    filter?: GenerationFilterInput | null,
  ) {
    return this.generations.page(scope, { first: first ?? 20, after }, filter ?? {}, fieldsOnPage(info));
  }

  @Mutation(() => GenerationStartPayload, { description: 'Starts a generation. Requires `generations:write`.' })
  generationStart(
    @Ctx() context: RequestContext,
    @Arg('input', () => GenerationStartInput, { description: 'What to write.' }) input: GenerationStartInput,
  ) {
    return payload(async () => ({ generation: await this.generations.start(context.scope, input, admittedOf(context)) }));
  }

  @Mutation(() => GenerationCancelPayload, {
    description:
      'Asks for the end of a generation; the text written until then is kept. One that has ended stays as it is; ' +
      'that of another member needs `generations:others`. Requires `generations:write`.',
  })
  generationCancel(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => GenerationCancelInput, { description: 'Which one.' }) { id }: GenerationCancelInput,
  ) {
    return payload(async () => ({ generation: await this.generations.cancel(scope, id) }));
  }

  @Mutation(() => GenerationRetryPayload, {
    description:
      'Starts a finished generation again, as a new one of the caller with `retryOf`; that of another member needs `generations:others`. ' +
      'Requires `generations:write`.',
  })
  generationRetry(
    @Ctx() context: RequestContext,
    @Arg('input', () => GenerationRetryInput, { description: 'Which one.' }) input: GenerationRetryInput,
  ) {
    return payload(async () => ({ generation: await this.generations.retry(context.scope, input, admittedOf(context)) }));
  }

  @Mutation(() => GenerationDeletePayload, {
    description:
      'Deletes a generation for good, with its texts; one that runs is stopped. That of another member needs `generations:others`. ' +
      'Requires `generations:write`.',
  })
  generationDelete(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => GenerationDeleteInput, { description: 'Which one.' }) { id }: GenerationDeleteInput,
  ) {
    return payload(async () => ({ deletedId: await this.generations.delete(scope, id) }));
  }

  @Subscription(() => GenerationMessage, {
    description:
      'What happens to a generation, from `after` on or from its beginning, until its end. Any number of readers, cuts and processes: ' +
      'who applies every message ends with exactly the stored text. That of another member needs `generations:others`. ' +
      'Requires `generations:read`.',
    subscribe: bySubscriber,
  })
  generationStream(
    @Root() message: GenerationMessageValue,
    @Arg('id', () => GraphQLID, { description: 'The generation.' }) _id: string,
    @Arg('after', () => String, {
      nullable: true,
      description: 'The `cursor` of the last message that was applied, or of a `Generation`.',
    })
    _after?: string | null,
  ) {
    return message;
  }

  /** The values of `generationStream`. */
  readonly stream = (
    { id, after }: StreamArgs,
    { scope, signal }: RequestContext,
  ): Promise<AsyncIterable<GenerationMessageValue>> => this.streams.stream(scope, id, after ?? null, signal);

  @FieldResolver(() => String)
  async text(@Root() row: GenerationView, @Ctx() { loaders }: RequestContext): Promise<string> {
    return row.text ?? (await loaders.get(this.texts).load(row.id))?.text ?? '';
  }

  @FieldResolver(() => String)
  async cursor(@Root() row: GenerationView, @Ctx() { loaders }: RequestContext): Promise<string> {
    if (isFinal(row.status)) return encodeCursor(row.id, { attempt: row.attempt, offset: row.text?.length ?? 0, done: true });
    const at = await loaders.get(this.texts).load(row.id);
    return at?.cursor ?? encodeCursor(row.id, { attempt: 0, offset: 0, done: false });
  }

  @FieldResolver(() => [GenerationAttempt])
  async attempts(@Root() { id }: GenerationView, @Ctx() { loaders }: RequestContext) {
    const rows = await loaders.get(this.attemptsOf).load(id);
    const calls = rows.filter(({ source, endedBy }) => source === null && endedBy !== 'NOT_CALLED');
    return calls.map((row) => ({ ...row, usage: usageIn(row) }));
  }

  @FieldResolver(() => [GenerationSkip])
  skipped(@Root() { skipped }: GenerationView) {
    return (skipped ?? []).map((skip) => ({ ...skip, at: new Date(skip.at) }));
  }

  @FieldResolver(() => GenerationUsage, { nullable: true })
  usage(@Root() row: GenerationView) {
    return usageIn(row);
  }

  @FieldResolver(() => GenerationEstimate, { nullable: true })
  async estimate(@Root() { id, status }: GenerationView, @Ctx() { loaders }: RequestContext) {
    return isFinal(status) ? estimateOfAll(await loaders.get(this.attemptsOf).load(id)) : null;
  }

  @FieldResolver(() => GenerationFailure, { nullable: true })
  failure(@Root() { failureCode, failureMessage, failureRetryable }: GenerationView) {
    return failureCode === null ? null : { code: failureCode, message: failureMessage, retryable: failureRetryable };
  }

  @FieldResolver(() => Generation, { nullable: true })
  retryOf(@Root() { retryOf }: GenerationView, @Ctx() { loaders }: RequestContext) {
    return retryOf === null ? null : loaders.get(this.byId).load(retryOf);
  }

  @FieldResolver(() => GenerationCache, { nullable: true })
  async cache(@Root() { cache }: GenerationView, @Ctx() { loaders }: RequestContext) {
    if (cache === null) return null;
    return { ...cache, source: cache.source && (await loaders.get(this.byId).load(idOfUuid('gen', cache.source))) };
  }

  @FieldResolver(() => TemplateVersion)
  templateVersion(@Root() { templateVersionId }: GenerationView, @Ctx() { loaders }: RequestContext) {
    return loaders.get(this.templates.versionById).load(templateVersionId);
  }

  @FieldResolver(() => Template)
  async template(@Root() { templateVersionId }: GenerationView, @Ctx() { loaders }: RequestContext) {
    const version = await loaders.get(this.templates.versionById).load(templateVersionId);
    return version && loaders.get(this.templates.byId).load(version.templateId);
  }
}

/** How to wait until a request is admitted; nothing where it is. */
function admittedOf(context: RequestContext): (() => Promise<void>) | undefined {
  return context.isAdmitted ? undefined : () => context.admitted();
}

/** The counts in a row; null where the provider did not say any. */
function usageIn<R extends Pick<AttemptRow, 'inputTokens' | 'outputTokens'>>(row: R): R | null {
  return row.inputTokens === null && row.outputTokens === null ? null : row;
}
