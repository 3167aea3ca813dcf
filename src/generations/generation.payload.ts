import { Field, ID, ObjectType } from 'type-graphql';
import { Payload } from '../graphql/payload.ts';
import { Generation } from './generation.type.ts';

@ObjectType({ description: 'What `generationStart` did.', simpleResolvers: true })
export class GenerationStartPayload extends Payload {
  @Field(() => Generation, { nullable: true, description: 'The generation; null when there are errors.' })
  generation!: Generation | null;
}

@ObjectType({ description: 'What `generationCancel` did.', simpleResolvers: true })
export class GenerationCancelPayload extends Payload {
  @Field(() => Generation, {
    nullable: true,
    description: 'The generation; its stream says when it has ended. Null when there are errors.',
  })
  generation!: Generation | null;
}

@ObjectType({ description: 'What `generationRetry` did.', simpleResolvers: true })
export class GenerationRetryPayload extends Payload {
  @Field(() => Generation, { nullable: true, description: 'The new generation; null when there are errors.' })
  generation!: Generation | null;
}

@ObjectType({ description: 'What `generationDelete` did.', simpleResolvers: true })
export class GenerationDeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id that is gone; null when there are errors.' }) deletedId!: string | null;
}
