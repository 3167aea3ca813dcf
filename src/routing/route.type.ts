import { Directive, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { SafeInt } from '../graphql/scalars.ts';
import { Member } from '../tenants/tenant.type.ts';
import type { Hedge, HedgeBasis } from './hedging.ts';
import type { Cause } from './plan.ts';
import { routes, routeVersions } from './routes.table.ts';
import type { RouteMode } from './tree.ts';
import { verdictWords, type VerdictCode } from './verdict.ts';

const RouteModeEnum = enumOf<RouteMode>('RouteMode', 'How a part of a route chooses.', {
  single: 'The one model there is.',
  fallback: 'The first; the next where it fails.',
  weighted: 'By chance, as often as the weights say.',
  sticky: 'The same each time for the same value of a fact.',
  conditional: 'The first case whose condition holds.',
  latency: 'One of those whose first token comes soonest.',
  cost: 'The cheapest.',
});

const FailureCause = enumOf<Cause>('FailureCause', 'Why a call to a model failed, as routes tell causes apart.', {
  RATE_LIMIT: 'Too many requests or tokens for the provider.',
  OVERLOAD: 'The provider is overloaded, failing or out of reach.',
  CONTEXT_TOO_LONG: 'Prompt and answer do not fit the model.',
  CONTENT_REFUSED: 'The provider refuses the content.',
  TIMEOUT: 'A deadline ran out.',
  AUTH: 'The key is not accepted, or the account has no quota left.',
  OTHER: 'Anything else.',
});

@Directive('@key(fields: "id")')
@ObjectType({ description: 'What a route said at one time; it never changes.', implements: Node, simpleResolvers: true })
export class RouteVersion extends Node {
  @Column(routeVersions.id, 'Its id.') declare id: string;
  @Column(routeVersions.number, 'Counts the versions of a route from 1.') number!: number;
  @Column(routeVersions.definition, 'What it says, as it was published.') definition!: Record<string, unknown>;
  @Column(routeVersions.note, 'Why, in its author’s words; null when they had none.') note!: string | null;
  @Column(routeVersions.publishedAt, 'When it was published.') publishedAt!: Date;
  @Field(() => Member, { nullable: true, description: 'Who published it; null once that person is gone.' })
  publishedBy!: Member | null;
}

/** One page of versions. */
export const RouteVersionConnection = connectionOf(RouteVersion);

@Directive('@key(fields: "id")')
@ObjectType({ description: 'A named choice of models.', implements: Node, simpleResolvers: true })
export class Route extends Node {
  @Column(routes.id, 'Its id.') declare id: string;
  @Column(routes.name, 'What `generationStart(model:)` takes; `auto` is taken by who names none.') name!: string;
  @Field(() => RouteVersion, { description: 'The version in use.' }) current!: RouteVersion;
  @Column(routes.createdAt, 'When it was first published.') createdAt!: Date;
}

@ObjectType({ description: 'A model of a route.', simpleResolvers: true })
export class RouteModel {
  @Field(() => String, { description: 'Its id.' }) model!: string;
  @Field(() => Float, { description: 'How often it would be the first, 0 to 1: where chance decides, more than one model is.' })
  share!: number;
}

@ObjectType({ description: 'Where a route leads after a failure.', simpleResolvers: true })
export class RouteBranch {
  @Field(() => FailureCause, { description: 'The cause of the failure.' }) cause!: Cause;
  @Directive('@listSize(assumedSize: 5)')
  @Field(() => [String], { description: 'Models in the order of trying.' })
  models!: string[];
}

@ObjectType({ description: 'One decision on the way through a route.', simpleResolvers: true })
export class RouteStep {
  @Field(() => String, { description: 'Where in the definition, like `route.cases[0].route`.' }) at!: string;
  @Field(() => RouteModeEnum, { description: 'How it chooses.' }) mode!: RouteMode;
  @Field(() => String, { description: 'What it chose and why, for people.' }) reason!: string;
}

const RouteHedgeBasis = enumOf<HedgeBasis>('RouteHedgeBasis', 'By what a route knows that a first text is late.', {
  FIXED: 'By the milliseconds that it names.',
  P95: 'By what 95 of 100 first texts of its version have lately taken, or less.',
  UNTIL_KNOWN: 'By the milliseconds that it names for as long as fewer than 20 calls are known of.',
});

@ObjectType({ description: 'When a route asks a second model beside a late first one.', simpleResolvers: true })
class RouteHedge {
  @Field(() => Int, { description: 'When there is no text after so many milliseconds.' }) afterMs!: number;
  @Field(() => RouteHedgeBasis, { description: 'Why after so many.' }) basis!: HedgeBasis;
  @Field(() => Int, {
    nullable: true,
    description:
      'What 95 of 100 first texts of its version took, or less, in milliseconds, up to a tenth too much; calls of half an hour ago ' +
      'count half where there were 40 later ones, for a week in all. Null when no call is known of.',
  })
  p95Ms!: number | null;
  @Field(() => Int, { description: 'For how many calls that stands.' }) calls!: number;
}

@ObjectType({ description: 'What a route comes to for one generation.', simpleResolvers: true })
export class RouteExplanation {
  @Field(() => ID, { nullable: true, description: 'The route; null for a model, a definition, and the installation’s `auto`.' })
  routeId!: string | null;
  @Field(() => Int, { nullable: true, description: 'The number of its version; null where there is no route.' })
  version!: number | null;
  @Directive('@listSize(assumedSize: 5)')
  @Field(() => [RouteModel], { description: 'The models in the order in which they would be tried.' })
  models!: RouteModel[];
  @Directive('@listSize(assumedSize: 3)')
  @Field(() => [RouteBranch], { description: 'Where it goes instead of on after failures.' })
  branches!: RouteBranch[];
  @Directive('@listSize(assumedSize: 10)')
  @Field(() => [RouteStep], { description: 'All decisions, from the top.' })
  steps!: RouteStep[];
  @Field(() => RouteHedge, { nullable: true, description: 'When a second model is asked beside a late one; null: never.' })
  hedge!: Hedge | null;
}

const ModelFailureCode = enumOf<VerdictCode>('ModelFailureCode', 'Why a call to a model failed.', verdictWords);

@ObjectType({ description: 'Why a call to a model failed.', simpleResolvers: true })
export class ModelFailure {
  @Field(() => ModelFailureCode, { description: 'What kind of failure.' }) code!: VerdictCode;
  @Field(() => String, { description: 'What the provider says, for people.' }) message!: string;
  @Field(() => Boolean, { description: 'Whether the same call may succeed later.' }) retryable!: boolean;
}

@ObjectType({ description: 'What a model said when it was asked for a word.', simpleResolvers: true })
export class ModelVerdict {
  @Field(() => String, { description: 'The model.' }) model!: string;
  @Field(() => Float, { nullable: true, description: 'Milliseconds to its first text; null when there was none.' })
  firstTokenMs!: number | null;
  @Field(() => ModelFailure, { nullable: true, description: 'Why it does not work; null when it does.' })
  failure!: ModelFailure | null;
  @Field(() => SafeInt, {
    nullable: true,
    description:
      'What the call counts for budgets, in millionths of a US dollar: the most that it may have cost where its provider did not say what it used; ' +
      'null without a known price. It is no part of `usage`, which sums generations.',
  })
  costMicros!: number | null;
}

@ObjectType({ description: 'What `routePublish` did.', simpleResolvers: true })
export class RoutePublishPayload extends Payload {
  @Field(() => Route, { nullable: true, description: 'The route; null when there are errors.' }) route!: Route | null;
}

@ObjectType({ description: 'What `routeRollback` did.', simpleResolvers: true })
export class RouteRollbackPayload extends Payload {
  @Field(() => Route, { nullable: true, description: 'The route; null when there are errors.' }) route!: Route | null;
}

@ObjectType({ description: 'What `routeDelete` did.', simpleResolvers: true })
export class RouteDeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id that is gone; null when there are errors.' }) deletedId!: string | null;
}

@ObjectType({ description: 'What `routeTest` found.', simpleResolvers: true })
export class RouteTestPayload extends Payload {
  @Directive('@listSize(assumedSize: 5)')
  @Field(() => [ModelVerdict], { nullable: true, description: 'One of each model; null when there are errors.' })
  verdicts!: ModelVerdict[] | null;
}
