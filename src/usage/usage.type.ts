import { GraphQLID } from 'graphql';
import { Field, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { SafeInt } from '../graphql/scalars.ts';
import type { UsageDimension as Dimension, UsageSource as Source } from './dimensions.ts';

export const UsageDimension = enumOf<Dimension>('UsageDimension', 'What usage is told apart by.', {
  DAY: 'The day on which a generation was asked for.',
  MODEL: 'The model of its last attempt.',
  TEMPLATE: 'Its template.',
  MEMBER: 'Whose it is.',
  KEY: 'The API key that started it.',
});

export const UsageSource = enumOf<Source>('UsageSource', 'Whose usage is meant.', {
  GENERATIONS: 'Generations.',
  MODEL_TESTS:
    'Calls of `routeTest` that used something, each counted as one: they are no generations, and in no sum of those. Kept for 400 days.',
});

@ObjectType({
  description:
    'What is in no sum of a group and can be estimated, of generations one of whose calls did not say what it used: it was given up before its end, as another model had text first, ' +
    'or broke off. Added to the sums it is what the group may have come to. It sums up `Generation.estimate` wherever the generation’s own count or cost is not known.',
  simpleResolvers: true,
})
export class UsageEstimate {
  @Field(() => Int, { description: 'How many generations have an estimate.' }) generations!: number;
  @Field(() => SafeInt, { nullable: true, description: 'Input tokens; null when there is nothing to estimate.' })
  inputTokens!: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'Output tokens; null when there is nothing to estimate.' })
  outputTokens!: number | null;
  @Field(() => SafeInt, {
    nullable: true,
    description:
      'In millionths of a US dollar, what is known of their other calls included; of tests the most that it may be, as budgets count it. Null when there is nothing to estimate.',
  })
  costMicros!: number | null;
  @Field(() => SafeInt, {
    nullable: true,
    description:
      'What of `costMicros` are calls that lost where two models were asked at once and the first text counted; null when there were none.',
  })
  hedgingCostMicros!: number | null;
  @Field(() => Int, { description: 'How many of them have a cost that is in no sum even so, as a price is not known.' })
  unknownCost!: number;
}

@ObjectType({
  description: 'What a group of generations used and cost. Generations that were deleted are in none.',
  simpleResolvers: true,
})
export class UsageGroup {
  @Field(() => String, { nullable: true, description: 'The day, like `2026-11-21`; null unless grouped by DAY.' }) day!:
    string | null;
  @Field(() => String, { nullable: true, description: 'The id of the model; null unless grouped by MODEL.' }) model!:
    string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The slug of the template; null unless grouped by TEMPLATE, and for tests.',
  })
  template!: string | null;
  @Field(() => GraphQLID, { nullable: true, description: 'The id of the member; null unless grouped by MEMBER.' })
  memberId!: string | null;
  @Field(() => GraphQLID, {
    nullable: true,
    description: 'The id of the API key; null unless grouped by KEY, and for generations that no key started.',
  })
  keyId!: string | null;
  @Field(() => Int, { description: 'How many generations, or calls of tests.' }) generations!: number;
  @Field(() => Int, { description: 'How many of them have not ended: what they use is not in the sums yet.' })
  unfinished!: number;
  @Field(() => SafeInt, { nullable: true, description: 'All input tokens, cached ones included; null when none are known.' })
  inputTokens!: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'Output tokens; null when none are known.' }) outputTokens!: number | null;
  @Field(() => SafeInt, {
    nullable: true,
    description: 'Input tokens that providers had in their caches; null when none are known.',
  })
  cachedInputTokens!: number | null;
  @Field(() => Int, {
    description: 'How many ended ones have input or output tokens that nobody knows: they are not in the sums.',
  })
  unknownUsage!: number;
  @Field(() => SafeInt, {
    nullable: true,
    description: 'The sum of all costs that are known, in millionths of a US dollar; null when none is.',
  })
  costMicros!: number | null;
  @Field(() => Int, { description: 'How many ended ones have a cost that nobody knows: they are not in the sum.' })
  unknownCost!: number;
  @Field(() => UsageEstimate, { description: 'What is in no sum and can be estimated.' }) estimate!: UsageEstimate;
}

/** One page of groups. */
export const UsageGroupConnection = connectionOf(UsageGroup);
