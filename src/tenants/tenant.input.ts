import { Field, InputType, Int } from 'type-graphql';

@InputType({ description: 'What to change about the own tenant; absent fields stay.' })
export class TenantUpdateInput {
  @Field(() => Int, {
    nullable: true,
    description: 'Days after which finished generations are deleted, 1 to 3650; null keeps them.',
  })
  generationRetentionDays?: number | null;
}
