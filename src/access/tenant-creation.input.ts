import { Field, InputType } from 'type-graphql';

@InputType({ description: 'The tenant to make.' })
export class TenantCreateInput {
  @Field(() => String, { description: 'Its name, 1 to 200 characters.' }) name!: string;
  @Field(() => String, { description: 'The email address of its first owner; nothing is sent there.' }) ownerEmail!: string;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same tenant for 24 hours, its owner’s key too if the same key or issuer ' +
      'proves who asks; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}
