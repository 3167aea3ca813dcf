import { GraphQLID } from 'graphql';
import { Field, InputType, Int } from 'type-graphql';
import { DateTime, JSONObject } from '../graphql/scalars.ts';
import { autoRoute } from './models.ts';

const definition =
  'What it says: `{ route, on, retry, hedge }`. A `route` has a `mode`: `single` (`model`), `fallback` (`among`: the next where one fails), ' +
  '`weighted` (`among: [{ weight, route }]`), `sticky` (the same, always the same for a fact named `by`, like `member` or `metadata.customer`), ' +
  '`conditional` (`cases: [{ when, route }]`, `otherwise`), `latency` (`among`, `bufferMs`) or `cost` (`among`). A `when` is `{ fact, is | in | ' +
  'startsWith | atLeast | below | exists }` of template, language, promptCharacters, maxOutputTokens, member or metadata.<key>, or `{ time: { ' +
  'from, until, zone, days } }`, or `all`, `any`, `not` of these. `on` names routes by the cause of a failure, `retry` has `{ tries, ' +
  'firstDelayMs, longestDelayMs }` by cause; causes are RATE_LIMIT, OVERLOAD, CONTEXT_TOO_LONG, CONTENT_REFUSED, TIMEOUT, AUTH and OTHER. ' +
  '`hedge` is `{ after, untilKnownMs }`: a second model is asked when the first text is later than `P95`, which 95 of 100 of the version’s were not ' +
  '(`untilKnownMs`, 2000 unless said, while fewer than 20 are known), or than a number of milliseconds; `hedgeAfterMs` is short for the latter.';

@InputType({ description: 'A version of a route to publish.' })
export class RoutePublishInput {
  @Field(() => String, {
    description:
      'Its name, 1 to 40 small letters, digits and hyphens: what `generationStart(model:)` takes. `auto` is taken by who names none.',
  })
  name!: string;
  @Field(() => JSONObject, { description: definition }) definition!: Record<string, unknown>;
  @Field(() => String, { nullable: true, description: 'Why, up to 500 characters.' }) note?: string | null;
  @Field(() => Int, {
    nullable: true,
    description: 'The version that this one was made from, 0 for none: CONFLICT when another is in use by now.',
  })
  basedOn?: number | null;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same route for 24 hours; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Which version of a route to use again.' })
export class RouteRollbackInput {
  @Field(() => GraphQLID, { description: 'The route.' }) id!: string;
  @Field(() => Int, { description: 'The number of the version.' }) version!: number;
}

@InputType({ description: 'A route to delete.' })
export class RouteDeleteInput {
  @Field(() => GraphQLID, { description: 'The route.' }) id!: string;
}

@InputType({ description: 'A route to try.' })
export class RouteTestInput {
  @Field(() => String, { nullable: true, defaultValue: autoRoute, description: 'A route, or a model.' }) model?: string | null;
  @Field(() => JSONObject, { nullable: true, description: 'A definition that is not published yet, in the place of `model`.' })
  definition?: Record<string, unknown> | null;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same verdicts for 24 hours, and nobody is asked again; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A generation that may be, and the route to follow for it.' })
export class RouteExplainInput {
  @Field(() => String, { nullable: true, defaultValue: autoRoute, description: 'A route, or a model.' }) model?: string | null;
  @Field(() => JSONObject, { nullable: true, description: 'A definition that is not published yet, in the place of `model`.' })
  definition?: Record<string, unknown> | null;
  @Field(() => String, { nullable: true, description: 'Slug, or the id of a template or of one version.' }) template?:
    string | null;
  @Field(() => JSONObject, { nullable: true, description: 'Its facts; without them the length of the prompt is not known.' })
  variables?: Record<string, unknown> | null;
  @Field(() => Int, { nullable: true, description: 'Tokens the model may write; the limit of the template when absent.' })
  maxOutputTokens?: number | null;
  @Field(() => JSONObject, { nullable: true, description: 'What the caller would attach.' }) metadata?: Record<
    string,
    unknown
  > | null;
  @Field(() => GraphQLID, { nullable: true, description: 'The member who would start it; the caller when absent.' })
  memberId?: string | null;
  @Field(() => DateTime, { nullable: true, description: 'When; now when absent.' }) at?: Date | null;
}
