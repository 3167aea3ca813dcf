import { GraphQLID } from 'graphql';
import { Field, InputType, Int } from 'type-graphql';
import { DateTime } from '../graphql/scalars.ts';

const keyDescription =
  '1 to 255 characters: the same member, key and input give the same answer for 24 hours, the secret too if the same key or issuer proves who ' +
  'asks; another input is CONFLICT.';

@InputType({ description: 'A key to make.' })
export class ApiKeyCreateInput {
  @Field(() => String, { description: 'What people call it, 1 to 200 characters.' }) name!: string;
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
