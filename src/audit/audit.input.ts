import { Field, ID, InputType } from 'type-graphql';
import { DateTime } from '../graphql/scalars.ts';

@InputType('AuditLogFilter', { description: 'Which entries to list.' })
export class AuditLogFilterInput {
  @Field(() => String, { nullable: true, description: 'Only those of this operation, such as `apiKeyCreate`.' }) operation?:
    string | null;
  @Field(() => ID, { nullable: true, description: 'Only those of this member: their id, or `AuditEntry.actor`.' }) actor?:
    string | null;
  @Field(() => ID, { nullable: true, description: 'Only those on the thing with this id.' }) thing?: string | null;
  @Field(() => DateTime, { nullable: true, description: 'Only those of this moment or later.' }) from?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Only those before this moment.' }) to?: Date | null;
}
