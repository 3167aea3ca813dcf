import { GraphQLID } from 'graphql';
import { Field, InputType } from 'type-graphql';

@InputType({ description: 'What to change about a member; absent fields stay.' })
export class MemberUpdateInput {
  @Field(() => GraphQLID, { description: 'The member.' }) id!: string;
  @Field(() => String, {
    nullable: true,
    description:
      'The name of their role from now on, one of `roles { name }`; the caller has all of its permissions. For people of an issuer ' +
      'that is registered their tokens say it.',
  })
  role?: string | null;
  @Field(() => String, { nullable: true, description: 'What people call them, 1 to 200 characters; null for nothing.' })
  name?: string | null;
}

@InputType({ description: 'A member to remove.' })
export class MemberRemoveInput {
  @Field(() => GraphQLID, { description: 'The member.' }) id!: string;
}
