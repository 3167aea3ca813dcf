import { GraphQLID } from 'graphql';
import { Field, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { SafeInt } from '../graphql/scalars.ts';
import type { UsageDimension as Dimension } from './dimensions.ts';

export const UsageDimension = enumOf<Dimension>('UsageDimension', 'What usage is told apart by.', {
  DAY: 'The day on which a generation was asked for.',
  MODEL: 'The model of its last attempt.',
  TEMPLATE: 'Its template.',
  MEMBER: 'Whose it is.',
  KEY: 'The API key that started it.',
});

@ObjectType({
  description: 'What a group of generations used and cost. Generations that were deleted are in none.',
  simpleResolvers: true,
})
export class UsageGroup {
  @Field(() => String, { nullable: true, description: 'The day, like `2026-11-21`; null unless grouped by DAY.' }) day!:
    string | null;
  @Field(() => String, { nullable: true, description: 'The id of the model; null unless grouped by MODEL.' }) model!:
    string | null;
  @Field(() => String, { nullable: true, description: 'The slug of the template; null unless grouped by TEMPLATE.' })
  template!: string | null;
  @Field(() => GraphQLID, { nullable: true, description: 'The id of the member; null unless grouped by MEMBER.' })
  memberId!: string | null;
  @Field(() => GraphQLID, {
    nullable: true,
    description: 'The id of the API key; null unless grouped by KEY, and for generations that no key started.',
  })
  keyId!: string | null;
  @Field(() => Int, { description: 'How many generations.' }) generations!: number;
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
}

/** One page of groups. */
export const UsageGroupConnection = connectionOf(UsageGroup);
