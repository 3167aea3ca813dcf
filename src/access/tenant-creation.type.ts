import { Field, ObjectType } from 'type-graphql';
import { Payload } from '../graphql/payload.ts';
import { Tenant } from '../tenants/tenant.type.ts';

@ObjectType({ description: 'What `tenantCreate` did.', simpleResolvers: true })
export class TenantCreatePayload extends Payload {
  @Field(() => Tenant, { nullable: true, description: 'The tenant; null when there are errors.' }) tenant!: Tenant | null;
  @Field(() => String, {
    nullable: true,
    description:
      'The whole key of its owner, for the header `authorization: Bearer <key>`. Shown this once, and to a repeat with the same ' +
      '`idempotencyKey`; null when there are errors.',
  })
  ownerKey!: string | null;
}
