import { GraphQLID } from 'graphql';
import { Field, InputType, Int } from 'type-graphql';
import { DateTime } from '../graphql/scalars.ts';

const keyDescription =
  '1 to 255 characters: the same member, key and input give the same answer for 24 hours, the secret too if the same key or issuer proves who ' +
  'asks; another input is CONFLICT.';
/** Above its member's limit a key's has no effect. */
function limitDescription(what: string): string {
  return `${what}, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use.`;
}

@InputType()
abstract class ApiKeyLimits {
  @Field(() => Int, { nullable: true, description: limitDescription('Operations in 60 s') }) requestsPerMinute?: number | null;
  @Field(() => Int, { nullable: true, description: limitDescription('Generations started or retried in 60 s') })
  startsPerMinute?: number | null;
  @Field(() => Int, { nullable: true, description: limitDescription('Generations that are queued or running') })
  maxGenerations?: number | null;
  @Field(() => Int, { nullable: true, description: limitDescription('Open WebSockets') }) maxSockets?: number | null;
  @Field(() => Int, { nullable: true, description: limitDescription('Running subscriptions') }) maxSubscriptions?: number | null;
}

@InputType({ description: 'A key to make.' })
export class ApiKeyCreateInput extends ApiKeyLimits {
  @Field(() => String, {
    description: 'What people call it, 1 to 200 characters; on record in the audit log as typed, so by its job, not by a person.',
  })
  name!: string;
  @Field(() => [String], {
    description: 'What it may do, one or more of `viewer { permissions }`: nobody gives what they do not have.',
  })
  permissions!: string[];
  @Field(() => DateTime, {
    nullable: true,
    description:
      'From this moment it is refused; absent and null for no such moment. It is never later than the end of the key in use.',
  })
  expiresAt?: Date | null;
  @Field(() => String, { nullable: true, description: keyDescription }) idempotencyKey?: string | null;
}

@InputType({ description: 'A key to replace.' })
export class ApiKeyRotateInput {
  @Field(() => GraphQLID, { description: 'The key.' }) id!: string;
  @Field(() => Int, {
    nullable: true,
    description: 'Seconds that the old key stays valid beside the new one, 0 to 2592000 (30 days); a day when absent.',
  })
  overlapSeconds?: number | null;
  @Field(() => String, { nullable: true, description: keyDescription }) idempotencyKey?: string | null;
}

@InputType({ description: 'A key to end.' })
export class ApiKeyRevokeInput {
  @Field(() => GraphQLID, { description: 'The key.' }) id!: string;
}

@InputType({ description: 'What to change about a key; absent fields stay.' })
export class ApiKeyUpdateInput extends ApiKeyLimits {
  @Field(() => GraphQLID, { description: 'The key.' }) id!: string;
}
