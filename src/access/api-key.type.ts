import { Directive, Field, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { Member } from '../tenants/tenant.type.ts';
import { apiKeys } from './keys.table.ts';

@Directive('@key(fields: "id")')
@ObjectType({ description: 'What a program proves with who it acts for.', implements: Node, simpleResolvers: true })
export class ApiKey extends Node {
  @Column(apiKeys.id, 'Its id.') declare id: string;
  @Column(apiKeys.name, 'What people call it.') name!: string;
  @Field(() => String, {
    description: 'How the key begins, `dw_live_` and its id: enough to tell it from others, and no secret.',
  })
  fingerprint!: string;
  @Field(() => [String], { description: 'What it may do, as far as the role of its member may.' }) permissions!: string[];
  @Field(() => Member, { description: 'The person it acts as.' }) member!: Member;
  @Column(apiKeys.createdAt, 'When it was created.') createdAt!: Date;
  @Column(apiKeys.expiresAt, 'From this moment it is refused; null for no such moment.') expiresAt!: Date | null;
  @Column(apiKeys.lastUsedAt, 'When it was last used, to about a minute; null before its first use.') lastUsedAt!: Date | null;
  @Column(apiKeys.revokedAt, 'When it was revoked; null while it was not.') revokedAt!: Date | null;
  @Column(apiKeys.requestsPerMinute, 'Operations with it in 60 s; null for no limit of its own.') requestsPerMinute!:
    number | null;
  @Column(apiKeys.startsPerMinute, 'Generations started or retried with it in 60 s; null for no limit of its own.')
  startsPerMinute!: number | null;
  @Column(apiKeys.maxGenerations, 'Generations started with it that are queued or running; null for no limit of its own.')
  maxGenerations!: number | null;
  @Column(apiKeys.maxSockets, 'WebSockets opened with it; null for no limit of its own.') maxSockets!: number | null;
  @Column(apiKeys.maxSubscriptions, 'Subscriptions that run with it; null for no limit of its own.') maxSubscriptions!:
    number | null;
}

export const ApiKeyConnection = connectionOf(ApiKey);

@ObjectType({ description: 'What `apiKeyCreate` did.', simpleResolvers: true })
export class ApiKeyCreatePayload extends Payload {
  @Field(() => ApiKey, { nullable: true, description: 'The key; null when there are errors.' }) apiKey!: ApiKey | null;
  @Field(() => String, {
    nullable: true,
    description: 'The whole key, for the header `authorization: Bearer <key>`. Shown this once; null when there are errors.',
  })
  secret!: string | null;
}

@ObjectType({ description: 'What `apiKeyRotate` did.', simpleResolvers: true })
export class ApiKeyRotatePayload extends Payload {
  @Field(() => ApiKey, { nullable: true, description: 'The new key; null when there are errors.' }) apiKey!: ApiKey | null;
  @Field(() => ApiKey, { nullable: true, description: 'The key it takes over from, with its end; null when there are errors.' })
  replaced!: ApiKey | null;
  @Field(() => String, {
    nullable: true,
    description: 'The whole new key, for the header `authorization: Bearer <key>`. Shown this once; null when there are errors.',
  })
  secret!: string | null;
}

@ObjectType({ description: 'What `apiKeyRevoke` did.', simpleResolvers: true })
export class ApiKeyRevokePayload extends Payload {
  @Field(() => ApiKey, { nullable: true, description: 'The key; null when there are errors.' }) apiKey!: ApiKey | null;
}

@ObjectType({ description: 'What `apiKeyUpdate` did.', simpleResolvers: true })
export class ApiKeyUpdatePayload extends Payload {
  @Field(() => ApiKey, { nullable: true, description: 'The key; null when there are errors.' }) apiKey!: ApiKey | null;
}
