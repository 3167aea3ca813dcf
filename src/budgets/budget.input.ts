import { GraphQLID } from 'graphql';
import { Field, Float, InputType } from 'type-graphql';
import { SafeInt } from '../graphql/scalars.ts';
import { BudgetPeriodEnum, BudgetUnitEnum } from './budget.type.ts';
import type { BudgetPeriod, BudgetUnit } from './budgets.table.ts';

@InputType({
  description: 'A budget: of a team, a key or a member, of which one at most is named, else of the tenant.',
})
export class BudgetSetInput {
  @Field(() => String, {
    nullable: true,
    description: 'A team, 1 to 64 characters: what generations have at `team` in their metadata.',
  })
  team?: string | null;
  @Field(() => GraphQLID, { nullable: true, description: 'An API key of the tenant.' }) keyId?: string | null;
  @Field(() => GraphQLID, { nullable: true, description: 'A member of the tenant.' }) memberId?: string | null;
  @Field(() => BudgetUnitEnum, { description: 'What to count.' }) unit!: BudgetUnit;
  @Field(() => BudgetPeriodEnum, { description: 'The window.' }) period!: BudgetPeriod;
  @Field(() => SafeInt, {
    description: 'The cap in its unit, 0 to 9 000 000 000 000 000; 0 lets nothing through but what costs nothing.',
  })
  most!: number;
  @Field(() => Float, { nullable: true, description: 'Part of the cap to tell of, above 0 and at most 1; none when absent.' })
  softAt?: number | null;
  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether models without a known price may be called under a cap in money; not when absent.',
  })
  allowsUnknownPrice?: boolean | null;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same budget for 24 hours; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A budget to delete.' })
export class BudgetDeleteInput {
  @Field(() => GraphQLID, { description: 'The budget.' }) id!: string;
}
