import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import { enumOf } from '../graphql/enum.ts';
import { DateTime } from '../graphql/scalars.ts';
import type { BreakerState } from './breaker.ts';

const BreakerStateEnum = enumOf<BreakerState>('BreakerState', 'What a circuit breaker does with calls.', {
  CLOSED: 'They are made.',
  OPEN: 'None is made: too many have failed.',
  HALF_OPEN: 'One is made, to see whether it works again; its first text closes the breaker.',
});

@ObjectType({
  description:
    'How a model does, for all processes together. Five failures in a row, or half of at least twenty calls within 30 seconds, open its ' +
    'breaker; bad requests, keys that are not accepted and cancelled calls are no failures, and an end without a word counts for the half alone.',
  simpleResolvers: true,
})
export class Health {
  @Field(() => BreakerStateEnum, { description: 'Its circuit breaker.' }) state!: BreakerState;
  @Field(() => DateTime, { nullable: true, description: 'When that began; null for a model that nobody has called lately.' })
  since!: Date | null;
  @Field(() => Int, { description: 'Failures in a row.' }) failures!: number;
  @Field(() => Float, {
    nullable: true,
    description:
      'The average time to the first token, in milliseconds: one of a minute ago counts half. Null when there was none for ten minutes.',
  })
  latencyMs!: number | null;
  @Field(() => DateTime, {
    nullable: true,
    description: 'From when on one call may see whether it works again; null when closed.',
  })
  nextProbeAt!: Date | null;
}

@ObjectType({ description: 'A model of a provider, and how it does.', simpleResolvers: true })
export class ProviderModel {
  @Field(() => ID, { description: 'What `generationStart` takes: `<provider>/<name>`.' }) id!: string;
  @Field(() => Health, { description: 'How it does.' }) health!: Health;
}

@ObjectType({ description: 'A company or endpoint that writes text.', simpleResolvers: true })
export class Provider {
  @Field(() => ID, { description: 'Its name, as model ids begin with it.' }) id!: string;
  @Field(() => Health, { description: 'That of the model that does worst.' }) health!: Health;
  models!: ProviderModel[];
  @Field(() => Int, { description: 'How many models this is about; `models` may list fewer.' }) modelCount!: number;
}

@ObjectType({ description: 'How models do now.', simpleResolvers: true })
export class ProviderHealthMessage {
  @Field(() => [Provider], {
    description: 'In the first message all providers, then those models whose health is another.',
  })
  providers!: Provider[];
}
