import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { idOfUuid, prefixOfId, type IdPrefix } from '../kernel/id.ts';
import { claimHours, type IdempotencyClaim } from './claim.ts';

/** Whose claim it is. */
export interface Claimant {
  readonly tenantId: string;
  readonly memberId: string;
}

/** What the first call with a key left for those that repeat it. */
export interface StoredAnswer {
  /** The id of the thing it made. */
  readonly thing: string;
  readonly inputHash: string;
  /** The secret part of the answer, sealed; null when there is none. */
  readonly sealed: string | null;
}

interface Row {
  thing_id: string | null;
  thing_kind: IdPrefix | null;
  input_hash: string;
  sealed: string | null;
}

/** The answer that an earlier call left; null when there is none, or it has expired. */
export async function findAnswer(
  tenant: Statements,
  { tenantId, memberId }: Claimant,
  { operation, key }: IdempotencyClaim,
): Promise<StoredAnswer | null> {
  const [row] = await tenant.sql<Row>(
    (sql) => sql`
      select thing_id, thing_kind, input_hash, sealed from idempotency_keys
      where tenant_id = ${uuidOf(tenantId)} and member_id = ${uuidOf(memberId)} and operation = ${operation}
        and key = ${key} and expires_at > now()`,
    { idempotent: true },
  );
  return row ? answerOf(row) : null;
}

/**
 * Takes the key for a call, inside its transaction: null when it is this call's, else what an earlier one left. Callers with the same key
 * wait here for the one that has it: they see its answer when it commits, and the next of them has the key when it does not. An expired
 * record is taken over.
 */
export async function claimAnswer(
  transaction: Statements,
  { tenantId, memberId }: Claimant,
  { operation, key, inputHash }: IdempotencyClaim,
): Promise<StoredAnswer | null> {
  const [row] = await transaction.sql<Row>(
    (sql) => sql`
      insert into idempotency_keys as k (tenant_id, member_id, operation, key, input_hash, expires_at)
      values (${uuidOf(tenantId)}, ${uuidOf(memberId)}, ${operation}, ${key}, ${inputHash}, now() + make_interval(hours => ${claimHours}::int))
      on conflict (tenant_id, member_id, operation, key) do update
      set input_hash = case when k.expires_at <= now() then excluded.input_hash else k.input_hash end,
          thing_id = case when k.expires_at > now() then k.thing_id end,
          sealed = case when k.expires_at > now() then k.sealed end,
          expires_at = case when k.expires_at <= now() then excluded.expires_at else k.expires_at end
      returning thing_id, thing_kind, input_hash, sealed`,
  );
  if (!row) throw new Error('the claim answered nothing');
  // Only its own transaction sees a record without a thing.
  return row.thing_id === null ? null : answerOf(row);
}

/** The statement that leaves an answer for those that repeat the call. */
export function answerKept(
  sql: SqlTag,
  { tenantId, memberId }: Claimant,
  { operation, key }: IdempotencyClaim,
  { thing, sealed }: Pick<StoredAnswer, 'thing' | 'sealed'>,
): Statement {
  return sql`
    update idempotency_keys set thing_id = ${uuidOf(thing)}::uuid, thing_kind = ${prefixOfId(thing)}::text, sealed = ${sealed}::text
    where tenant_id = ${uuidOf(tenantId)} and member_id = ${uuidOf(memberId)} and operation = ${operation} and key = ${key}`;
}

function answerOf({ thing_id: uuid, thing_kind: kind, input_hash: inputHash, sealed }: Row): StoredAnswer {
  if (uuid === null) throw new Error('an idempotency record without a thing was committed');
  return { thing: idOfUuid(kind ?? 'gen', uuid), inputHash, sealed };
}
