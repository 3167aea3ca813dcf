import { Directive, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { Member } from '../tenants/tenant.type.ts';
import type { CredentialVerdict } from './provider-credential-test.service.ts';
import { providerCredentials } from './provider-credentials.table.ts';

@Directive('@key(fields: "id")')
@ObjectType({
  description:
    'That the tenant has a key of its own for a provider, with which the provider is called for it. The key is sealed.',
  implements: Node,
  simpleResolvers: true,
})
export class ProviderCredential extends Node {
  @Column(providerCredentials.id, 'Its id.') declare id: string;
  @Column(providerCredentials.provider, 'The provider: the part of a model’s id before the slash.') provider!: string;
  @Column(providerCredentials.baseUrl, 'Where the provider is called for the tenant; null for where it is called for everybody.')
  baseUrl!: string | null;
  @Column(
    providerCredentials.fingerprint,
    'Tells the key from others of the tenant: the same for the same key, and no part of it.',
  )
  fingerprint!: string;
  @Column(providerCredentials.createdAt, 'When the tenant first set a key for this provider.') createdAt!: Date;
  @Column(providerCredentials.updatedAt, 'When the key was last set.') updatedAt!: Date;
  @Field(() => Member, { nullable: true, description: 'Who set it last; null once that person is gone.' })
  updatedBy!: Member | null;
}

export const ProviderCredentialConnection = connectionOf(ProviderCredential);

@ObjectType({ description: 'What `providerCredentialSet` did.', simpleResolvers: true })
export class ProviderCredentialSetPayload extends Payload {
  @Field(() => ProviderCredential, { nullable: true, description: 'The credential; null when there are errors.' })
  providerCredential!: ProviderCredential | null;
}

const Verdict = enumOf<CredentialVerdict>('ProviderCredentialVerdict', 'What a provider said of a key.', {
  OK: 'It takes the key.',
  AUTH: 'It does not take the key.',
  QUOTA: 'It knows the key, and its account is out of money or quota.',
  RATE_LIMIT: 'Too many requests with this key just now.',
  OVERLOAD: 'The provider is overloaded or failing.',
  UNREACHABLE: 'It cannot be reached, or its address is none that is called.',
  TIMEOUT: 'It did not answer within 10 seconds.',
  UNREADABLE: 'The key cannot be decrypted; nobody was asked.',
  OTHER: 'Something else; see the message.',
});

@ObjectType({ description: 'What a provider said of a key when it was asked.', simpleResolvers: true })
export class ProviderCredentialTest {
  @Field(() => Verdict, { description: 'What it said.' }) verdict!: CredentialVerdict;
  @Field(() => Float, { description: 'Milliseconds until it had answered.' }) latencyMs!: number;
  @Directive('@listSize(assumedSize: 100)')
  @Field(() => [String], {
    nullable: true,
    description: 'Names of models that the key may use, by name, the first hundred; null unless it is OK.',
  })
  models!: readonly string[] | null;
  @Field(() => Int, {
    nullable: true,
    description: 'How many there are, as far as the provider lists them at once; null unless it is OK.',
  })
  modelCount!: number | null;
  @Field(() => String, { nullable: true, description: 'What the provider says, for people; null when it is OK.' })
  message!: string | null;
}

@ObjectType({ description: 'What `providerCredentialTest` found.', simpleResolvers: true })
export class ProviderCredentialTestPayload extends Payload {
  @Field(() => ProviderCredentialTest, { nullable: true, description: 'What was found; null when there are errors.' })
  test!: ProviderCredentialTest | null;
}

@ObjectType({ description: 'What `providerCredentialDelete` did.', simpleResolvers: true })
export class ProviderCredentialDeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id that is gone; null when there are errors.' }) deletedId!: string | null;
}
