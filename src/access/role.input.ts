import { GraphQLID } from 'graphql';
import { Field, InputType } from 'type-graphql';

const idempotencyKey =
  '1 to 255 characters: the same member, key and input give the same role for 24 hours; another input is CONFLICT.';

@InputType({ description: 'A role to make.' })
export class RoleCreateInput {
  @Field(() => String, { description: 'Its name, 1 to 60 characters, for good.' }) name!: string;
  @Field(() => [String], {
    description: 'What it may do, one or more of `viewer { permissions }`: nobody gives what they do not have.',
  })
  permissions!: string[];
  @Field(() => String, { nullable: true, description: idempotencyKey }) idempotencyKey?: string | null;
}

@InputType({ description: 'A role to change.' })
export class RoleUpdateInput {
  @Field(() => GraphQLID, { description: 'The role.' }) id!: string;
  @Field(() => [String], {
    description: 'All that it may do from now on, one or more of `viewer { permissions }`.',
  })
  permissions!: string[];
}

@InputType({ description: 'A role to delete.' })
export class RoleDeleteInput {
  @Field(() => GraphQLID, { description: 'The role.' }) id!: string;
}
