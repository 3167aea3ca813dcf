import { Directive, Field, Float, ID, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { DateTime, SafeInt } from '../graphql/scalars.ts';
import { budgets, type BudgetPeriod, type BudgetSubject, type BudgetUnit } from './budgets.table.ts';

const BudgetSubjectEnum = enumOf<BudgetSubject>('BudgetSubject', 'Whose generations a budget counts.', {
  TENANT: 'All of the tenant.',
  TEAM: 'Those whose metadata have this text at `team`.',
  KEY: 'Those started with one API key.',
  MEMBER: 'Those of one member.',
});

/** The enum as inputs use it. */
export const BudgetUnitEnum = enumOf<BudgetUnit>('BudgetUnit', 'What a budget counts.', {
  COST_MICROS: 'What they cost, in millionths of a US dollar.',
  TOKENS: 'Tokens, in and out.',
  GENERATIONS: 'Generations that were begun.',
});

/** The enum as inputs use it. */
export const BudgetPeriodEnum = enumOf<BudgetPeriod>(
  'BudgetPeriod',
  'The sliding window of a budget. What was used leaves it in slices, at most one slice late and never early.',
  {
    DAY: '24 hours, in slices of an hour.',
    WEEK: '7 days, in slices of six hours.',
    MONTH: '30 days, in slices of a day.',
  },
);

@Directive('@key(fields: "id")')
@ObjectType({
  description:
    'A cap. A generation is begun when what is settled, what is outstanding and what it may need itself fit under all that count it. What a call ' +
    'may need: a token for each byte of its prompt in UTF-8 and all output tokens it may write, at the price of the dearest model of its route.',
  implements: Node,
  simpleResolvers: true,
})
export class Budget extends Node {
  @Column(budgets.id, 'Its id.') declare id: string;
  @Column(budgets.subject, 'Whose generations it counts.', { type: () => BudgetSubjectEnum }) subject!: BudgetSubject;
  @Column(budgets.team, 'The team, for TEAM.') team!: string | null;
  @Field(() => ID, { nullable: true, description: 'The key, for KEY.' }) keyId!: string | null;
  @Field(() => ID, { nullable: true, description: 'The member, for MEMBER.' }) memberId!: string | null;
  @Column(budgets.unit, 'What it counts.', { type: () => BudgetUnitEnum }) unit!: BudgetUnit;
  @Column(budgets.period, 'Its window.', { type: () => BudgetPeriodEnum }) period!: BudgetPeriod;
  @Column(budgets.most, 'The cap, in its unit.') most!: number;
  @Field(() => Float, {
    nullable: true,
    description: 'Part of the cap, 0 to 1: operators are told each time that what is settled comes to it; null for none.',
  })
  softAt!: number | null;
  @Column(
    budgets.allowsUnknownPrice,
    'Whether models without a known price may be called under a cap in money; they count nothing. PRICE_UNKNOWN when not.',
  )
  allowsUnknownPrice!: boolean;
  @Field(() => SafeInt, {
    description:
      'What was used in the window, in its unit, by what has ended since the budget was set. A call of which nobody knows what it used counts all it had reserved.',
  })
  settled!: number;
  @Field(() => SafeInt, { description: 'What is reserved by what is under way or queued.' }) outstanding!: number;
  @Field(() => SafeInt, { description: 'What may still be reserved.' }) left!: number;
  @Field(() => DateTime, {
    nullable: true,
    description: 'When the oldest of what is settled leaves the window; null when nothing is settled.',
  })
  resetsAt!: Date | null;
  @Column(budgets.softReachedAt, 'Since when what is settled is at the soft limit or above; null below it.')
  softReachedAt!: Date | null;
  @Column(budgets.createdAt, 'When it was first set: what ended before does not count.') createdAt!: Date;
  @Column(budgets.updatedAt, 'When it was last set.') updatedAt!: Date;
}

/** One page of budgets. */
export const BudgetConnection = connectionOf(Budget);

@ObjectType({ description: 'What `budgetSet` did.', simpleResolvers: true })
export class BudgetSetPayload extends Payload {
  @Field(() => Budget, { nullable: true, description: 'The budget; null when there are errors.' }) budget!: Budget | null;
}

@ObjectType({ description: 'What `budgetDelete` did.', simpleResolvers: true })
export class BudgetDeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id that is gone; null when there are errors.' }) deletedId!: string | null;
}
