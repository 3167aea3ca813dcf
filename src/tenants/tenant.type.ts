import { Directive, Field, ID, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { enumOf } from '../graphql/enum.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { members, tenants, type CacheMode } from './tenants.table.ts';

export const GenerationCacheMode = enumOf<CacheMode>('GenerationCacheMode', 'How a generation uses the texts of others.', {
  OFF: 'Not at all.',
  READ: 'It may be given the text of another; its own is given to nobody.',
  WRITE: 'It writes its own text, which others may be given.',
  ON: 'It may be given the text of another; else others may be given its own.',
});

@Directive('@key(fields: "id")')
@ObjectType({ description: 'An organisation whose data is kept apart.', implements: Node, simpleResolvers: true })
export class Tenant extends Node {
  @Column(tenants.id, 'Its id.') declare id: string;
  @Column(tenants.name, 'Its name.') name!: string;
  @Column(tenants.generationRetentionDays, 'Days after which finished generations are deleted; null keeps them.')
  generationRetentionDays!: number | null;
  @Column(
    tenants.masksPersonalData,
    'Whether personal details are masked in all prompts before they leave; else where the template says so.',
  )
  masksPersonalData!: boolean;
  @Column(tenants.generationCacheMode, 'How generations use the texts of others where their callers say nothing.', {
    type: () => GenerationCacheMode,
  })
  generationCacheMode!: CacheMode;
  @Column(
    tenants.generationCacheMaxAgeSeconds,
    'Seconds after the end of a generation for which its text may be taken by others, where their callers say nothing; null for a day.',
  )
  generationCacheMaxAgeSeconds!: number | null;
  @Column(tenants.createdAt, 'When it was created.') createdAt!: Date;
}

/** The GraphQL enum of where people stand in a tenant. */
export const MemberStatus = enumOf('MemberStatus', 'Whether somebody is a member.', {
  ACTIVE: 'They are.',
  REMOVED: 'They were: what they made stays.',
});

@Directive('@key(fields: "id")')
@ObjectType({ description: 'A person in a tenant.', implements: Node, simpleResolvers: true })
export class Member extends Node {
  @Column(members.id, 'Their id.') declare id: string;
  @Column(members.email, 'Their email address.') email!: string;
  @Column(members.name, 'What people call them; null when nobody said.') name!: string | null;
  @Field(() => MemberStatus, { description: 'Whether they are a member still.' }) status!: keyof typeof MemberStatus;
  @Column(members.createdAt, 'When they became a member.') createdAt!: Date;
}

@ObjectType({ description: 'Who asks.', simpleResolvers: true })
export class Viewer {
  @Field(() => Tenant, { description: 'The tenant they act for.' }) tenant!: Tenant;
  @Field(() => Member, { description: 'The person the key belongs to.' }) actor!: Member;
  @Field(() => [String], { description: 'What they may do: what both the key in use and the role of its member may.' })
  permissions!: string[];
}

@ObjectType({ description: 'What `tenantUpdate` did.', simpleResolvers: true })
export class TenantUpdatePayload extends Payload {
  @Field(() => Tenant, { nullable: true, description: 'The tenant; null when there are errors.' }) tenant!: Tenant | null;
}

@ObjectType({ description: 'What `tenantDelete` did.', simpleResolvers: true })
export class TenantDeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id that is gone; null when there are errors.' }) deletedId!: string | null;
}
