import type { Statement, SqlTag } from '../db/statement.ts';
import { uuidOf } from '../db/ids.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
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

/** The statement that adds entries of one tenant; one that is there already stays as it is, so that it can be sent again. */
export function entriesAdded(sql: SqlTag, tenantId: string, entries: readonly NewEntry[]): Statement {
  const rows = entries.map((entry) => ({ ...entry, id: uuidOf(entry.id, 'aud') }));
  return sql`
    insert into audit_entries (tenant_id, id, operation, code, count, actor, proof_kind, proof_id, transport, address, request_id,
      thing, before, after)
    select ${uuidOf(tenantId, 'ten')}::uuid, id, operation, code, count, actor, "proofKind", "proofId", transport, address, "requestId",
      thing, before, after
    from jsonb_to_recordset(${sql.json(rows)}::jsonb) as entry (id uuid, operation text, code text, count int, actor text,
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
