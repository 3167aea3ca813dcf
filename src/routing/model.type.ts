import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import { enumOf } from '../graphql/enum.ts';
import { DateTime, SafeInt } from '../graphql/scalars.ts';
import type { PriceSource as Source } from './price.ts';

const PriceSource = enumOf<Source>('ModelPriceSource', 'Who says what a model costs.', {
  FREE: 'It calls nobody.',
  GENAI_PRICES: 'The price list of @pydantic/genai-prices.',
  OPERATOR: 'Whoever runs this installation.',
});

@Directive('@cost(weight: 0)')
@ObjectType({ description: 'What a million tokens cost, in millionths of a US dollar.', simpleResolvers: true })
export class ModelPriceTier {
  @Field(() => Int, { description: 'Holds for calls with more input tokens than this, for all of their tokens.' }) above!: number;
  @Field(() => SafeInt, { description: 'Input.' }) input!: number;
  @Field(() => SafeInt, { description: 'Input that the provider had in its cache.' }) cachedInput!: number;
  @Field(() => SafeInt, { description: 'Input that it wrote into its cache.' }) cacheWrite!: number;
  @Field(() => SafeInt, { description: 'Output.' }) output!: number;
}

@Directive('@cost(weight: 0)')
@ObjectType({ description: 'The price of a model now.', simpleResolvers: true })
export class ModelPrice {
  @Field(() => PriceSource, { description: 'Who says so.' }) source!: Source;
  @Field(() => String, { nullable: true, description: 'The day it holds from, like `2026-07-30` (UTC); null: ever since.' })
  from!: string | null;
  @Directive('@listSize(assumedSize: 2)')
  @Field(() => [ModelPriceTier], { description: 'By size of the input, upwards; the first is that of every smaller call too.' })
  tiers!: readonly ModelPriceTier[];
  @Directive('@listSize(assumedSize: 2)')
  @Field(() => [ModelPriceTier], {
    nullable: true,
    description: 'The same for calls that are answered when the vendor has the time; null when unknown.',
  })
  batch!: readonly ModelPriceTier[] | null;
}

@ObjectType({ description: 'A model that can be chosen.', simpleResolvers: true })
export class Model {
  @Field(() => ID, { description: 'What `generationStart` takes: `<provider>/<name>`.' }) id!: string;
  @Field(() => String, { description: 'The provider.' }) provider!: string;
  @Field(() => String, { description: "The provider's own name of it." }) name!: string;
  @Field(() => Int, { nullable: true, description: 'Tokens of prompt and answer together; null when unknown.' }) contextWindow!:
    number | null;
  @Field(() => Int, { nullable: true, description: 'Tokens it can write; null when unknown.' }) maxOutputTokens!: number | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether it can be held to a JSON Schema; null when unknown.' })
  hasStructuredOutput!: boolean | null;
  @Field(() => ModelPrice, { nullable: true, description: 'What it costs now; null when unknown, which is not zero.' })
  price!: ModelPrice | null;
  @Field(() => DateTime, { nullable: true, description: 'When its vendor stops to offer it; null when that is not announced.' })
  retiresAt!: Date | null;
  @Field(() => Boolean, { description: 'Whether that has come: it can no longer be chosen, and routes leave it out.' })
  isRetired!: boolean;
  @Field(() => Boolean, { description: 'Whether `auto` begins with it.' }) isDefault!: boolean;
}
