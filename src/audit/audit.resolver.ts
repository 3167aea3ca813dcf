import { Arg, Args, Ctx, Directive, FieldResolver, Query, Resolver, Root, Subscription } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { SafeInt } from '../graphql/scalars.ts';
import { bySubscriber } from '../graphql/schema.ts';
import { AuditLogFilterInput } from './audit.input.ts';
import type { AuditService } from './audit.service.ts';
import { AuditEntry, AuditEntryConnection, AuditLogAddition, AuditVerification } from './audit.type.ts';
import { encodePosition } from './cursor.ts';
import type { Entry, SealedEntry } from './read.ts';

/** A value of `auditLogAdded`. */
interface Addition {
  readonly cursor: string;
  readonly entry: Entry;
}

@Resolver(() => AuditEntry)
export class AuditResolver {
  /** Entries by id. */
  readonly byId: LoaderFactory<string, Entry | null> = (scope) => (ids) => this.audit.list(scope, ids);

  constructor(private readonly audit: AuditService) {}

  @Query(() => AuditEntryConnection, {
    description: 'What was done and refused in the own tenant, newest first. Requires `audit:read`.',
  })
  auditLog(
    @Ctx() { scope }: RequestContext,
    @Args(() => ConnectionArgs) { first, after }: ConnectionArgs,
    @Arg('filter', () => AuditLogFilterInput, { nullable: true, description: 'Which ones; all when absent.' })
    filter?: AuditLogFilterInput | null,
  ) {
    return this.audit.page(scope, { first: first ?? 20, after }, filter ?? {});
  }

  // Thousands of entries are read and hashed for it.
  @Directive('@cost(weight: 500)')
  @Query(() => AuditVerification, {
    description:
      'Recomputes the chain of the own tenant’s audit log and finds the first broken link, at most 20,000 entries or 4 seconds of it. ' +
      'Requires `audit:read`.',
  })
  async auditVerify(
    @Ctx() { scope }: RequestContext,
    @Arg('from', () => SafeInt, { nullable: true, description: 'The first position to look at; 1 when absent.' })
    from?: number | null,
    @Arg('to', () => SafeInt, { nullable: true, description: 'The last position to look at; the end when absent.' })
    to?: number | null,
  ) {
    const { broken, standing, ...found } = await this.audit.verify(scope, { from: from ?? 1, to: to ?? null });
    const { head, unsealed } = standing;
    return {
      ...found,
      isIntact: broken === null,
      brokenAt: broken?.position ?? null,
      reason: broken?.reason ?? null,
      sealedTo: head?.position ?? 0,
      sealedAt: head?.sealedAt ?? null,
      sealedHash: head?.hash ?? null,
      unsealed,
    };
  }

  @Subscription(() => AuditLogAddition, {
    description:
      'Entries of the own tenant’s audit log as they are sealed, in the order of the chain, from `after` on or from now on: about a second ' +
      'after the act. Requires `audit:read`.',
    subscribe: bySubscriber,
  })
  auditLogAdded(
    @Root() addition: Addition,
    @Arg('after', () => String, {
      nullable: true,
      description: 'The `cursor` of the last addition that was read, or of an `AuditEntry`.',
    })
    _after?: string | null,
  ) {
    return addition;
  }

  /** The values of `auditLogAdded`. */
  readonly added = async ({ after }: { readonly after?: string | null }, { scope, signal }: RequestContext) =>
    additionsOf(await this.audit.follow(scope, after ?? null, signal));

  @FieldResolver(() => String, { nullable: true })
  cursor(@Root() { tenantId, position }: Entry) {
    return position === null ? null : encodePosition(tenantId, position);
  }
}

async function* additionsOf(entries: AsyncIterable<SealedEntry>): AsyncGenerator<Addition, void> {
  for await (const entry of entries) yield { cursor: encodePosition(entry.tenantId, entry.position), entry };
}
