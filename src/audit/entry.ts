import type { Statement, SqlTag } from '../db/statement.ts';
import { uuidOf } from '../db/ids.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import { prefixOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { ServiceName } from '../kernel/service.ts';
import type { Deed } from './act.service.ts';
import { networkOf, type Pseudonyms } from './pseudonym.ts';

/** A deed, or an act without one. */
export type Told = Omit<Deed, 'thing'> & { readonly thing: string | null };

/** An entry as it is added; the database says when, in which transaction and, later, at which place. */
export interface NewEntry extends Told {
  readonly id: string;
  readonly operation: string;
  /** Null when it was done. */
  readonly code: ErrorCode | null;
  readonly count: number;
  readonly actor: string;
  readonly proofKind: string;
  readonly proofId: string;
  readonly transport: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
}

/** The entry of a deed of a scope, fit to be recorded. */
export function entryOf(pseudonyms: Pseudonyms, scope: Scope, operation: string, deed: Told, id: string): NewEntry {
  const { tenantId, memberId, proof, origin } = scope;
  return {
    id,
    operation,
    code: null,
    count: 1,
    actor: pseudonyms.of(tenantId, memberId),
    proofKind: proof.kind,
    proofId: proof.id,
    transport: origin?.transport ?? null,
    address: origin && networkOf(origin.address),
    requestId: origin?.requestId ?? null,
    thing: deed.thing === null ? null : pseudonyms.ofThing(tenantId, deed.thing),
    before: pseudonyms.without(tenantId, deed.before),
    after: pseudonyms.without(tenantId, deed.after),
  };
}

/** What a service does by itself, beside what has the name of a mutation. */
export const serviceOperations = {
  generationTakeOver: 'a process went on with a letter whose own process was lost',
  generationClose: 'a letter was ended that no process wrote any more',
  generationsExpire: 'letters were deleted for their age, `after` says how many',
  dataKeyRewrap: 'the key of the tenant’s secrets was wrapped with another master key',
  tenantSuspend: 'nobody of the tenant was let in any more',
  tenantResume: 'they were again',
  tenantAppoint: 'the people of the tenant may run the installation since',
  auditDoubt: 'the log was found changed by somebody else, `after` says from which position on',
  modelSet: 'the operator said something else of a model, in tenants that run the installation',
  modelReset: 'the operator took back what was said of a model, there too',
  tenantErase: 'what a deleted tenant had left was gone',
} as const;

/** What people do without a mutation. */
export const silentOperations = {
  memberJoin: 'a token’s person was seen for the first time',
  memberClaims: 'a token gave its person other roles than the one before',
} as const;

/** The entry of a deed of a service. It names nobody: there is no key to make a pseudonym with where some services are. */
export function serviceEntryOf(service: ServiceName, operation: string, deed: Deed, id: string): NewEntry {
  if (prefixOfId(deed.thing) === 'mem') throw new Error(`${operation} of a service names a person`);
  return {
    ...deed,
    id,
    operation,
    code: null,
    count: 1,
    actor: `service_${service}`,
    proofKind: 'service',
    proofId: service,
    transport: null,
    address: null,
    requestId: null,
  };
}

/** The statement that adds entries of one tenant; one that is there already stays as it is, so that it can be sent again. */
export function entriesAdded(sql: SqlTag, tenantId: string, entries: readonly NewEntry[]): Statement {
  return entriesAddedTo(
    sql,
    entries.map((entry) => ({ tenantId, entry })),
  );
}

/** The same for entries of several tenants, which only the engine may add. */
export function entriesAddedTo(
  sql: SqlTag,
  entries: readonly { readonly tenantId: string; readonly entry: NewEntry }[],
): Statement {
  const rows = entries.map(({ tenantId, entry }) => ({
    ...entry,
    id: uuidOf(entry.id, 'aud'),
    tenantId: uuidOf(tenantId, 'ten'),
  }));
  return sql`
    insert into audit_entries (tenant_id, id, operation, code, count, actor, proof_kind, proof_id, transport, address, request_id,
      thing, before, after)
    select "tenantId", id, operation, code, count, actor, "proofKind", "proofId", transport, address, "requestId",
      thing, before, after
    from jsonb_to_recordset(${sql.json(rows)}::jsonb) as entry ("tenantId" uuid, id uuid, operation text, code text, count int, actor text,
      "proofKind" text, "proofId" text, transport text, address text, "requestId" text, thing text, before jsonb, after jsonb)
    on conflict (tenant_id, id) do nothing`;
}

/** The same for one entry beside a change that is one statement: it is added when `source`, a relation of that statement, has a row. */
export function entryAddedWith(sql: SqlTag, tenantId: string, entry: NewEntry, source: Statement): Statement {
  const { before, after } = entry;
  return sql`
    insert into audit_entries (tenant_id, id, operation, code, count, actor, proof_kind, proof_id, transport, address, request_id,
      thing, before, after)
    select ${uuidOf(tenantId, 'ten')}::uuid, ${uuidOf(entry.id, 'aud')}::uuid, ${entry.operation}::text, ${entry.code}::text,
      ${entry.count}::int, ${entry.actor}::text, ${entry.proofKind}::text, ${entry.proofId}::text, ${entry.transport}::text,
      ${entry.address}::text, ${entry.requestId}::text, ${entry.thing}::text, ${before && sql.json(before)}::jsonb,
      ${after && sql.json(after)}::jsonb
    from ${source}`;
}
