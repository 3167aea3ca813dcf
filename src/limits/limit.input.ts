import { Field, InputType, Int } from 'type-graphql';
import { LimitName } from './limit.type.ts';
import type { AnyLimitName } from './names.ts';

@InputType({ description: 'A limit to set.' })
export class TenantLimitInput {
  @Field(() => LimitName, { description: 'Which one, of those that end with `_PER_MEMBER` or `_PER_TENANT`.' })
  name!: AnyLimitName;
  @Field(() => Int, {
    nullable: true,
    description: 'How much is allowed, 1 to what the installation allows; absent and null for as much as that.',
  })
  most?: number | null;
}

@InputType({ description: 'What to change about the limits of the own tenant.' })
export class TenantLimitsUpdateInput {
  @Field(() => [TenantLimitInput], { description: 'The limits to set, each once; all others stay.' }) limits!: TenantLimitInput[];
}
