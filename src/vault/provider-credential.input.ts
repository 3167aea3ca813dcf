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
      'Where the provider is to be called for the tenant instead, such as a gateway or a server of your own: an https URL of at most 500 ' +
      'characters, up to and with `/v1`, without the version for `anthropic` and `google`. Public addresses only; redirects are not followed. ' +
      'Other servers than OpenAI’s own are spoken to in Chat Completions. Null: where it is called for everybody.',
  })
  baseUrl?: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same credential for 24 hours; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A key to test.' })
export class ProviderCredentialTestInput {
  @Field(() => GraphQLID, { description: 'The credential.' }) id!: string;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same verdict for 24 hours, and nobody is asked again; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A key to delete.' })
export class ProviderCredentialDeleteInput {
  @Field(() => GraphQLID, { description: 'The credential.' }) id!: string;
}
