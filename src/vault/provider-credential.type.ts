import { Directive, Field, ID, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { Member } from '../tenants/tenant.type.ts';
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

@ObjectType({ description: 'What `providerCredentialDelete` did.', simpleResolvers: true })
export class ProviderCredentialDeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id that is gone; null when there are errors.' }) deletedId!: string | null;
}
