import { Field, Float, ID, InputType, Int } from 'type-graphql';
import { DateTime, JSONObject } from '../graphql/scalars.ts';
import { autoRoute } from '../routing/models.ts';
import { GenerationCacheMode } from '../tenants/tenant.type.ts';
import type { CacheMode } from '../tenants/tenants.table.ts';
import { GenerationStatus } from './generation.type.ts';
import type { GenerationStatus as Status } from './generations.table.ts';

const keyDescription =
  '1 to 255 characters: the same member, key and input give the same generation for 24 hours; another input is CONFLICT.';

@InputType({ description: 'How to use the texts of others, and for how long others may use this one.' })
export class GenerationCacheInput {
  @Field(() => GenerationCacheMode, { description: 'Whether to take a text, to give its own, both or neither.' })
  mode!: CacheMode;
  @Field(() => Int, {
    nullable: true,
    description:
      'Seconds after the end of a generation, 1 to 2592000, for which its text may be taken: the oldest one to take, and how long this one is given. ' +
      'When absent as the template says, else a day.',
  })
  maxAgeSeconds?: number | null;
}

@InputType({ description: 'What to write.' })
export class GenerationStartInput {
  @Field(() => String, { description: 'Slug, or the id of a template or of one version.' }) template!: string;
  @Field(() => JSONObject, { description: 'The facts; `TemplateVersion.variablesSchema` describes them.' }) variables!: Record<
    string,
    unknown
  >;
  @Field(() => String, {
    nullable: true,
    defaultValue: autoRoute,
    description: 'A model id like `anthropic/<name>`, or a route.',
  })
  model?: string | null;
  @Field(() => String, { nullable: true, description: keyDescription }) idempotencyKey?: string | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Tokens the model may write, 1 to 32000; the limit of the template when absent.',
  })
  maxOutputTokens?: number | null;
  @Field(() => Float, { nullable: true, description: '0 to 2; left to the model when absent.' }) temperature?: number | null;
  @Field(() => JSONObject, {
    nullable: true,
    description:
      'Anything of yours to find it again by, up to 16 KiB of JSON. A text at `team` names the team whose budgets count the generation.',
  })
  metadata?: Record<string, unknown> | null;
  @Field(() => GenerationCacheInput, {
    nullable: true,
    description: 'Whether it may share a text with others that come to the same; as the tenant wants it when absent.',
  })
  cache?: GenerationCacheInput | null;
}

@InputType({ description: 'What to cancel.' })
export class GenerationCancelInput {
  @Field(() => ID, { description: 'The generation.' }) id!: string;
}

@InputType({ description: 'What to write again.' })
export class GenerationRetryInput {
  @Field(() => ID, { description: 'The generation; it must have ended.' }) id!: string;
  @Field(() => String, { nullable: true, description: 'Another model or route; the same as before when absent.' }) model?:
    string | null;
  @Field(() => String, { nullable: true, description: keyDescription }) idempotencyKey?: string | null;
  @Field(() => GenerationCacheInput, {
    nullable: true,
    description: 'When absent it writes a new text, which takes the place of the one before where that was given to others.',
  })
  cache?: GenerationCacheInput | null;
}

@InputType({ description: 'What to delete.' })
export class GenerationDeleteInput {
  @Field(() => ID, { description: 'The generation.' }) id!: string;
}

@InputType('GenerationFilter', { description: 'Which generations to list.' })
export class GenerationFilterInput {
  @Field(() => [GenerationStatus], { nullable: true, description: 'Only those with one of these statuses.' }) status?:
    Status[] | null;
  @Field(() => String, { nullable: true, description: 'Only those of the template with this slug.' }) template?: string | null;
  @Field(() => DateTime, { nullable: true, description: 'Only those created at this moment or later.' })
  createdAfter?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Only those created before this moment.' }) createdBefore?: Date | null;
}
