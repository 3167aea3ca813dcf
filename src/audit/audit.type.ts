import { Directive, Field, Int, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { ErrorCode } from '../graphql/errors.ts';
import { Node } from '../graphql/node.ts';
import { DateTime, SafeInt } from '../graphql/scalars.ts';
import type { ErrorCode as Code } from '../kernel/errors.ts';
import { services } from '../kernel/service.ts';
import { auditEntries, type Recorded } from './audit.table.ts';
import { serviceOperations, silentOperations } from './entry.ts';
import { breaks, type Break } from './verify.ts';

const AuditBreak = enumOf('AuditBreak', 'What is wrong with a chain of audit entries.', breaks);

/** A list as a description reads it. */
function listed(names: Readonly<Record<string, string>>): string {
  return Object.entries(names)
    .map(([name, what]) => `\`${name}\` (${what.replace(/\.$/, '')})`)
    .join(', ');
}

@Directive('@key(fields: "id")')
@ObjectType({
  description:
    'Something that was done, or refused. Entries are never changed; people are pseudonyms, secrets and letters are not in them. Names of ' +
    'things (keys, roles, tenants, routes) are as they were typed, save addresses in them.',
  implements: Node,
  simpleResolvers: true,
})
export class AuditEntry extends Node {
  @Column(auditEntries.id, 'Its id.') declare id: string;
  @Column(auditEntries.createdAt, 'When; of refusals, when they were written.') createdAt!: Date;
  @Column(
    auditEntries.operation,
    'The mutation, query or subscription by its name; `request` for a request that was refused as a whole; or what happened without one: ' +
      `${listed({ ...silentOperations, ...serviceOperations })}.`,
  )
  operation!: string;
  @Column(auditEntries.code, 'Why it was refused; null when it was done.', { type: () => ErrorCode }) code!: Code | null;
  @Column(auditEntries.count, 'How often: the same refusals of one actor within a minute are one entry.') count!: number;
  @Column(
    auditEntries.actor,
    'Who, as a pseudonym that is the same for all that one member does in this tenant; `service_` and a name for what the product did ' +
      'without a person.',
  )
  actor!: string;
  @Column(auditEntries.proofKind, 'What proved who it is: `key`, `token` or `invitation`; `service` where it was no person.')
  proofKind!: string;
  @Column(auditEntries.proofId, `The id of that key, invitation or token’s issuer; or the service: ${listed(services)}.`)
  proofId!: string;
  @Column(auditEntries.transport, 'How: `http`, `websocket` or `sse`; null for what the product did by itself.') transport!:
    string | null;
  @Column(auditEntries.address, 'The network of the client’s address, a /24 or /48; null when it is not known.') address!:
    string | null;
  @Column(auditEntries.requestId, 'The request, as in `x-request-id`; null when there was none.') requestId!: string | null;
  @Column(auditEntries.thing, 'The id of the thing, a pseudonym for a person; null when there is no single one.') thing!:
    string | null;
  @Column(auditEntries.before, 'What of it was so before; null when it was made.') before!: Recorded | null;
  @Column(auditEntries.after, 'What of it is so since; null when it is gone.') after!: Recorded | null;
  @Column(auditEntries.position, 'Its place in the tenant’s chain, from 1 without gaps; null for a moment, until it is sealed.')
  position!: number | null;
  @Column(auditEntries.hash, 'Hex SHA-256 of it, its place and the hash before; null until it is sealed.') hash!: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'For `auditLogAdded(after:)`, to go on behind it; null until it is sealed.',
  })
  cursor!: string | null;
}

export const AuditEntryConnection = connectionOf(AuditEntry);

@ObjectType({ description: 'An entry that was sealed.', simpleResolvers: true })
export class AuditLogAddition {
  @Field(() => String, { description: 'The position of the reader behind it; opaque, for `after`.' }) cursor!: string;
  @Field(() => AuditEntry, { description: 'The entry.' }) entry!: AuditEntry;
}

@Directive('@cost(weight: 0)')
@ObjectType({ description: 'What a look at the chain of audit entries found.', simpleResolvers: true })
export class AuditVerification {
  @Field(() => Boolean, { description: 'Whether nothing is wrong with what was looked at.' }) isIntact!: boolean;
  @Field(() => Boolean, {
    description: 'Whether all that was asked for was looked at; when not, and it is intact, go on with `from: verifiedTo + 1`.',
  })
  isComplete!: boolean;
  @Field(() => SafeInt, { description: 'The first position that was looked at.' }) verifiedFrom!: number;
  @Field(() => SafeInt, { description: 'The last position that is right; one below `verifiedFrom` when none is.' })
  verifiedTo!: number;
  @Field(() => SafeInt, { nullable: true, description: 'Where the first broken link is; null when it is intact.' }) brokenAt!:
    number | null;
  @Field(() => AuditBreak, { nullable: true, description: 'What is wrong there; null when it is intact.' }) reason!: Break | null;
  @Field(() => SafeInt, { description: 'Up to which position the log is sealed; 0 before the first.' }) sealedTo!: number;
  @Field(() => DateTime, { nullable: true, description: 'When that was; null before the first.' }) sealedAt!: Date | null;
  @Field(() => String, {
    nullable: true,
    description:
      'The hash at `sealedTo`. Kept elsewhere it proves, later, that the log up to there is still this one. Null before the first.',
  })
  sealedHash!: string | null;
  @Field(() => Int, { description: 'Entries that wait to be sealed, counted up to 1,000.' }) unsealed!: number;
}
