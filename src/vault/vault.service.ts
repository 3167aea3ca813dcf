import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import { serviceDeedsRecorded } from '../audit/record.service.ts';
import type { Database, TenantScope } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import type { MasterKey } from '../kernel/master-keys.ts';
import { dataKeys } from './data-keys.table.ts';
import { fingerprintOf, seal, unseal, UnreadableError, type About } from './seal.ts';

/** What the vault is built on. */
export interface VaultParts {
  readonly database: Database;
  /** The first wraps, all unwrap; with none nothing can be sealed or read. */
  readonly masterKeys: readonly MasterKey[];
  readonly log: Log;
}

/** A secret as it is stored. */
export interface Sealed {
  readonly sealed: string;
  readonly fingerprint: string;
}

/** What `rewrap` did. */
export interface Rewrapped {
  readonly rewrapped: number;
  /** Data keys of tenants that none of the master keys opens. */
  readonly unreadable: number;
}

interface WrappedKey {
  readonly masterKeyId: string;
  readonly wrapped: string;
}

const dataKeyBytes = 32;
const batch = 200;
const columns = { masterKeyId: dataKeys.masterKeyId, wrapped: dataKeys.wrapped };

/**
 * Secrets at rest, by envelope encryption: each is sealed with its tenant's data key, which is stored wrapped by a master key from outside.
 * A data key lives as long as its tenant; only its wrapping changes (`rewrap`).
 */
export class VaultService {
  /** Data keys for reading. It need not be told when one is replaced: the old one opens nothing, and is then read again. */
  private readonly known = new LRUCache<string, KeyObject>({ max: 1_000, ttl: 60_000 });

  constructor(private readonly parts: VaultParts) {}

  /** Seals a secret in the transaction that stores it. The first secret of a tenant makes its data key. Throws UNAVAILABLE without the master key for it. */
  async seal(act: Statements, about: About, plain: string): Promise<Sealed> {
    const key = await this.sealingKey(act, about);
    return { sealed: seal(key, Buffer.from(plain), about), fingerprint: fingerprintOf(key, plain, about.purpose) };
  }

  /** The fingerprint that `seal` would give, before there is a transaction. */
  async fingerprint(scope: TenantScope, { purpose }: Pick<About, 'purpose'>, plain: string): Promise<string> {
    return fingerprintOf(await this.sealingKey(this.parts.database.as(scope), scope), plain, purpose);
  }

  /** A secret as it was before it was sealed. Throws UnreadableError when it cannot be opened, UNAVAILABLE while the database is away. */
  async unseal(about: About, sealed: string): Promise<string> {
    const known = this.known.get(about.tenantId);
    if (known) {
      try {
        return unseal(known, sealed, about).toString();
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        // The tenant may have a new data key.
        this.known.delete(about.tenantId);
      }
    }
    const key = await this.readingKey(about);
    this.known.set(about.tenantId, key);
    return unseal(key, sealed, about).toString();
  }

  /** Forgets data keys of tenants; all without `tenantIds`. */
  forget(tenantIds: readonly string[] | null): void {
    if (tenantIds === null) this.known.clear();
    else for (const id of tenantIds) this.known.delete(id);
  }

  /** Throws, or only logs unless `isFatal`, when there are data keys that none of our master keys opens: what is sealed with them cannot be read here. */
  async assertReadable({ isFatal }: { readonly isFatal: boolean }): Promise<void> {
    // One of the acts without a tenant (protocol.md, rule 20): a column that says nothing of any of them.
    const used = await this.parts.database.engine.sql<{ id: string }>(
      (tag) => tag`select distinct master_key_id as id from data_keys order by id`,
      { idempotent: true },
    );
    const missing = used.map(({ id }) => id).filter((id) => !this.parts.masterKeys.some((key) => key.id === id));
    if (missing.length === 0) return;
    const problem = `MASTER_KEY lacks what secrets in the database are sealed under: ${missing.slice(0, 5).join(', ')}`;
    if (isFatal) throw new Error(problem);
    this.parts.log.warn({ missing }, problem);
  }

  /**
   * Wraps every data key that is not wrapped with the first master key yet with that one. It can be repeated, broken off and run twice at once. Processes
   * at work have to have both master keys; they notice nothing, since the data keys stay the same.
   */
  async rewrap(): Promise<Rewrapped> {
    const wrapper = this.wrapper();
    const sum = { rewrapped: 0, unreadable: 0 };
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      // One of the acts without a tenant; what is in a row is then read and written as its tenant.
      const rows = await this.parts.database.engine.sql<{ tenant_id: string }>(
        (tag) => tag`
          select tenant_id from data_keys where master_key_id <> ${wrapper.id} and tenant_id > ${after}
          order by tenant_id limit ${batch}`,
        { idempotent: true },
      );
      for (const { tenant_id: uuid } of rows) {
        after = uuid;
        const done = await this.rewrapOne(idOfUuid('ten', uuid), wrapper);
        if (done) sum[done]++;
      }
      if (rows.length < batch) return sum;
    }
  }

  /** Null when there was nothing left to do. */
  private async rewrapOne(tenantId: string, wrapper: MasterKey): Promise<keyof Rewrapped | null> {
    const connection = this.parts.database.as({ tenantId });
    const isTenants = eq(dataKeys.tenantId, tenantId);
    const [row] = await connection.query.select(columns).from(dataKeys).where(isTenants);
    if (!row) return null;
    try {
      const bytes = this.unwrap(tenantId, row).export();
      const next = { masterKeyId: wrapper.id, wrapped: wrap(wrapper, tenantId, bytes), wrappedAt: sql`now()` };
      const isAsRead = and(isTenants, eq(dataKeys.wrapped, row.wrapped));
      return await connection.transaction(async (transaction) => {
        const changed = await transaction.query.update(dataKeys).set(next).where(isAsRead).returning({ id: dataKeys.tenantId });
        // Another was quicker, with the same.
        if (changed.length === 0) return null;
        const deed = { thing: tenantId, before: { masterKeyId: row.masterKeyId }, after: { masterKeyId: wrapper.id } };
        await transaction.sql((tag) =>
          serviceDeedsRecorded(tag, [{ tenantId, service: 'admin', operation: 'dataKeyRewrap', ...deed }]),
        );
        return 'rewrapped';
      });
    } catch (err) {
      if (!(err instanceof UnreadableError)) throw err;
      this.parts.log.error({ err, tenantId, masterKeyId: row.masterKeyId }, 'a data key cannot be unwrapped');
      return 'unreadable';
    }
  }

  /** The data key to seal with, as it is stored at this moment. It stays stored at least until the end of the transaction. */
  private async sealingKey(act: Statements, { tenantId }: TenantScope): Promise<KeyObject> {
    const wrapper = this.wrapper();
    const [stored] = await act.query.select(columns).from(dataKeys).where(eq(dataKeys.tenantId, tenantId)).for('key share');
    try {
      return this.unwrap(tenantId, stored ?? (await this.make(act, tenantId, wrapper)));
    } catch (err) {
      if (!(err instanceof UnreadableError)) throw err;
      // It is never replaced by a new one: all that the right master key could still open would be lost.
      this.parts.log.error({ err, tenantId }, 'the data key of a tenant cannot be unwrapped');
      throw new AppError(
        'UNAVAILABLE',
        'the secrets of this tenant cannot be opened here; the operator has to give the master key',
      );
    }
  }

  private async make(act: Statements, tenantId: string, wrapper: MasterKey): Promise<WrappedKey> {
    const wrapped = wrap(wrapper, tenantId, randomBytes(dataKeyBytes));
    const [row] = await act.query
      .insert(dataKeys)
      .values({ tenantId, masterKeyId: wrapper.id, wrapped })
      // Of two at once one makes it; the update that changes nothing gives it to both.
      .onConflictDoUpdate({ target: dataKeys.tenantId, set: { createdAt: sql`${dataKeys.createdAt}` } })
      .returning(columns);
    if (!row) throw new Error('the new data key was not returned');
    return row;
  }

  private async readingKey({ tenantId }: TenantScope): Promise<KeyObject> {
    const [row] = await this.parts.database
      .as({ tenantId })
      .sql<{ master_key_id: string; wrapped: string }>(
        (tag) => tag`select master_key_id, wrapped from data_keys where tenant_id = ${uuidOf(tenantId, 'ten')}`,
        { idempotent: true, deadlineMs: 2_000 },
      );
    if (!row) throw new UnreadableError('its data key is gone');
    return this.unwrap(tenantId, { masterKeyId: row.master_key_id, wrapped: row.wrapped });
  }

  private unwrap(tenantId: string, { masterKeyId, wrapped }: WrappedKey): KeyObject {
    const master = this.parts.masterKeys.find(({ id }) => id === masterKeyId);
    if (!master) throw new UnreadableError(`the master key ${masterKeyId} is not among those given`);
    return createSecretKey(unseal(master.key, wrapped, aboutDataKey(master, tenantId)));
  }

  private wrapper(): MasterKey {
    const [first] = this.parts.masterKeys;
    if (!first) throw new AppError('UNAVAILABLE', 'this installation keeps no secrets: MASTER_KEY is not set');
    return first;
  }
}

function wrap(master: MasterKey, tenantId: string, bytes: Uint8Array): string {
  return seal(master.key, bytes, aboutDataKey(master, tenantId));
}

function aboutDataKey({ id }: MasterKey, tenantId: string): About {
  return { tenantId, purpose: 'data key', thing: id };
}
