import { Field, ObjectType } from 'type-graphql';
import { connectionOf } from '../graphql/connection.ts';
import { Payload } from '../graphql/payload.ts';
import { Member } from '../tenants/tenant.type.ts';

export const MemberConnection = connectionOf(Member);

@ObjectType({ description: 'What `memberUpdate` did.', simpleResolvers: true })
export class MemberUpdatePayload extends Payload {
  @Field(() => Member, { nullable: true, description: 'The member; null when there are errors.' }) member!: Member | null;
}

@ObjectType({ description: 'What `memberRemove` did.', simpleResolvers: true })
export class MemberRemovePayload extends Payload {
  @Field(() => Member, { nullable: true, description: 'Who is gone; null when there are errors.' }) member!: Member | null;
}
