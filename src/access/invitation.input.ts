import { GraphQLID } from 'graphql';
import { Field, InputType, Int } from 'type-graphql';

const idempotencyKey =
  '1 to 255 characters: the same member, key and input give the same invitation for 24 hours, its token too if the same key or issuer proves who asks; another input is CONFLICT.';

@InputType({ description: 'Whom to invite.' })
export class InvitationCreateInput {
  @Field(() => String, { description: 'Their email address; nothing is sent there.' }) email!: string;
  @Field(() => String, {
    description: 'The name of the role they are to have, one of `roles { name }`; the caller has all of its permissions.',
  })
  role!: string;
  @Field(() => Int, {
    nullable: true,
    description: 'Seconds after which it is refused, 60 to 2592000 (30 days); 7 days when absent.',
  })
  expiresInSeconds?: number | null;
  @Field(() => String, { nullable: true, description: idempotencyKey }) idempotencyKey?: string | null;
}

@InputType({ description: 'An invitation to take back.' })
export class InvitationRevokeInput {
  @Field(() => GraphQLID, { description: 'The invitation.' }) id!: string;
}

@InputType({ description: 'Who accepts.' })
export class InvitationAcceptInput {
  @Field(() => String, { nullable: true, description: 'What people call them, 1 to 200 characters; null for nothing.' })
  name?: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same invitation, key and input give the same member and the same key for 24 hours; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}
