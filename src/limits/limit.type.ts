import { Field, Int, ObjectType } from 'type-graphql';
import { enumOf } from '../graphql/enum.ts';
import { Payload } from '../graphql/payload.ts';
import { DateTime } from '../graphql/scalars.ts';
import type { AnyLimitName } from './names.ts';

/** The GraphQL enum of all limits. */
export const LimitName = enumOf<AnyLimitName>('LimitName', 'What is limited.', {
  REQUESTS_PER_MEMBER: 'Operations of a member in 60 s.',
  REQUESTS_PER_TENANT: 'Operations of all members in 60 s.',
  STARTS_PER_MEMBER: 'Generations that a member starts or retries in 60 s.',
  GENERATIONS_PER_MEMBER: 'Generations of a member that are queued or running.',
  GENERATIONS_PER_TENANT: 'Generations of all members that are queued or running.',
  SOCKETS_PER_MEMBER: 'WebSockets of a member that are open.',
  SOCKETS_PER_TENANT: 'WebSockets of all members that are open.',
  SUBSCRIPTIONS_PER_MEMBER: 'Subscriptions of a member that run.',
  SUBSCRIPTIONS_PER_TENANT: 'Subscriptions of all members that run.',
  REQUESTS_PER_KEY: 'Operations with the key in 60 s.',
  STARTS_PER_KEY: 'Generations that are started or retried with the key in 60 s.',
  GENERATIONS_PER_KEY: 'Generations started with the key that are queued or running.',
  SOCKETS_PER_KEY: 'WebSockets opened with the key that are open.',
  SUBSCRIPTIONS_PER_KEY: 'Subscriptions started with the key that run.',
});

@ObjectType({ description: 'A limit that holds for the caller, counted over all processes.', simpleResolvers: true })
export class Limit {
  @Field(() => LimitName, { description: 'What is limited.' }) name!: AnyLimitName;
  @Field(() => Int, { nullable: true, description: 'How much is allowed; null for any amount.' }) most!: number | null;
  @Field(() => Int, {
    nullable: true,
    description: 'What the installation allows: `most` is set no higher. Null for any amount, and for limits of keys.',
  })
  ceiling!: number | null;
  @Field(() => Int, {
    nullable: true,
    description:
      'How much is left now; null for any amount. What another process holds in reserve for its next callers counts as used for 10 seconds at most.',
  })
  left!: number | null;
  @Field(() => DateTime, {
    nullable: true,
    description: 'When all of it is there again; null for what is open, and while nothing is used.',
  })
  resetAt!: Date | null;
}

@ObjectType({ description: 'What `tenantLimitsUpdate` did.', simpleResolvers: true })
export class TenantLimitsUpdatePayload extends Payload {
  @Field(() => [Limit], { nullable: true, description: 'All limits as they hold now; null when there are errors.' })
  limits!: Limit[] | null;
}
