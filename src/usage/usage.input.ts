import { Field, InputType } from 'type-graphql';
import { DateTime } from '../graphql/scalars.ts';

@InputType({ description: 'A time from `from` up to, not including, `to`; at most 366 days.' })
export class UsageRangeInput {
  @Field(() => DateTime, { description: 'Its beginning.' }) from!: Date;
  @Field(() => DateTime, { description: 'Its end, which is not part of it.' }) to!: Date;
}
