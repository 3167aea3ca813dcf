import { GraphQLID } from 'graphql';
import { Field, InputType } from 'type-graphql';

@InputType({ description: 'A key of the tenant for a provider.' })
export class ProviderCredentialSetInput {
  @Field(() => String, { description: 'The provider: the part of a model’s id before the slash, such as `openai`.' })
  provider!: string;
  @Field(() => String, { description: 'The key, 8 to 512 visible ASCII characters. It is sealed and never shown again.' })
  apiKey!: string;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same credential for 24 hours; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A key to delete.' })
export class ProviderCredentialDeleteInput {
  @Field(() => GraphQLID, { description: 'The credential.' }) id!: string;
}
