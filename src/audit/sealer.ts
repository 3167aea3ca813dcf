import type { Connection, Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import type { Bus } from '../messages/bus.ts';
import { beginning, linked, type Head, type HeadSeal, type StoredHead } from './chain.ts';
import { serviceDeedsRecorded, type ServiceDeed } from './record.service.ts';
import { entryColumns, entryOfRow, sealableOf, type Entry } from './read.ts';

const roundMs = 1_000;
/** Entries in one go; what is left goes with the next. */
const batch = 500;
const mostBatches = 40;
const deadlineMs = 5_000;

interface Parts {
  readonly database: Database;
  readonly seal: HeadSeal;
  readonly bus: Bus;
  readonly log: Log;
}

interface Waiting {
  readonly entry: Entry;
  /** Where the chain of its tenant stood in the same moment; null before its first entry. */
  readonly head: StoredHead | null;
  /** The last entry that had a place then: the head is its, or somebody else was here. */
  readonly last: Head;
}

/** An entry's place, for its row. */
interface Place extends Head {
  readonly tenant_id: string;
  readonly id: string;
}

/** A head to be written if the one before is still as it was. */
interface NextHead extends Head {
  readonly tenant_id: string;
  /** Null when there was no head. */
  readonly expected: number | null;
  readonly expected_hash: string | null;
  readonly mac: string;
  readonly doubted_at: number | null;
}

/**
 * Gives audit entries their place in their tenant's chain, once a second, in every process: one of the acts without a tenant (protocol.md,
 * rule 20). Two that do it at once do not wait for each other: a chain goes on only from the head that was read, and who comes second finds
 * another. Mutations wait for neither.
 */
export class Sealer {
  private readonly rounds = new Rounds(() => this.round());

  constructor(private readonly parts: Parts) {}

  open(): void {
    this.rounds.open(roundMs);
  }

  async close(): Promise<void> {
    await this.rounds.close();
  }

  /** One round, now. */
  run(): Promise<void> {
    return this.rounds.run();
  }

  private async round(): Promise<void> {
    try {
      for (let done = 0; done < mostBatches; done++) if ((await this.step()) < batch) return;
    } catch (err) {
      // The next round does it.
      this.parts.log.warn({ err }, 'could not seal the audit log');
    }
  }

  /** Seals one batch; how many entries it was. */
  private async step(): Promise<number> {
    const { database, bus } = this.parts;
    const waiting = await readWaiting(database.engine);
    if (waiting.length === 0) return 0;
    const { places, heads, doubts } = this.continued(waiting);
    const sealed = await writePlaces(database.engine, places, heads, doubts);
    bus.publish('audit.sealed', sealed);
    // Another process was quicker with all of it: the rest is its, or for the next round.
    return sealed.length === 0 ? 0 : waiting.length;
  }

  private continued(waiting: readonly Waiting[]): { places: Place[]; heads: NextHead[]; doubts: ServiceDeed[] } {
    const { seal, log } = this.parts;
    const places: Place[] = [];
    const heads: NextHead[] = [];
    const doubts: ServiceDeed[] = [];
    for (const [tenantId, ofTenant] of Map.groupBy(waiting, ({ entry }) => entry.tenantId)) {
      const { head: stored = null, last = beginning } = ofTenant[0] ?? {};
      const isOurs = stored === null ? last.position === 0 : seal.fits(tenantId, stored) && isSameHead(stored, last);
      // Going on as if nothing were would vouch for what somebody else has written; not going on would let them stop the log.
      const doubtedAt = stored?.doubtedAt ?? (isOurs ? null : (stored?.position ?? 0));
      if (!isOurs)
        log.error({ tenantId, head: stored?.position, last: last.position }, 'an audit log was changed by somebody else');
      if (doubtedAt !== null && stored?.doubtedAt == null) doubts.push(doubtOf(tenantId, doubtedAt));
      const before = stored && stored.position >= last.position ? stored : last;
      let head: Head = before;
      for (const { entry } of ofTenant) {
        head = linked(head, sealableOf(entry));
        places.push({ tenant_id: uuidOf(tenantId, 'ten'), id: uuidOf(entry.id, 'aud'), ...head });
      }
      heads.push({
        tenant_id: uuidOf(tenantId, 'ten'),
        expected: stored?.position ?? null,
        expected_hash: stored?.hash ?? null,
        ...head,
        mac: seal.of(tenantId, head, doubtedAt),
        doubted_at: doubtedAt,
      });
    }
    return { places, heads, doubts };
  }
}

/**
 * Entries without a place whose transaction is older than every running one, in the order of transactions: nothing can come before them
 * any more. A transaction that is still open keeps those that began after it waiting, whatever their numbers. What was restored from
 * another cluster's dump has numbers from a future that is not ours.
 */
async function readWaiting(engine: Connection): Promise<Waiting[]> {
  type Row = Parameters<typeof entryOfRow>[0] & {
    readonly head: (StoredHead & { readonly doubted_at: number | null }) | null;
    readonly last: Head | null;
  };
  const rows = await engine.sql<Row>(
    (sql) => sql`
      with waiting as (
        select * from audit_entries
        where position is null
          and (txid < pg_snapshot_xmin(pg_current_snapshot()) or txid >= pg_snapshot_xmax(pg_current_snapshot()))
        order by txid, id limit ${batch}
      ), chains as (
        select t.tenant_id, to_jsonb(h) as head, to_jsonb(l) as last
        from (select distinct tenant_id from waiting) t
        left join audit_heads h on h.tenant_id = t.tenant_id
        left join lateral (
          select position, hash from audit_entries
          where tenant_id = t.tenant_id and position is not null order by position desc limit 1
        ) l on true
      )
      select ${entryColumns}, c.head, c.last from waiting e join chains c on c.tenant_id = e.tenant_id
      order by e.txid, e.id`,
    { idempotent: true, deadlineMs },
  );
  return rows.map(({ head, last, ...entry }) => ({
    entry: entryOfRow(entry),
    head: head && { position: head.position, hash: head.hash, mac: head.mac, doubtedAt: head.doubted_at },
    last: last ?? beginning,
  }));
}

function isSameHead(a: Head, b: Head): boolean {
  return a.position === b.position && a.hash === b.hash;
}

function doubtOf(tenantId: string, position: number): ServiceDeed {
  return { tenantId, service: 'sealer', operation: 'auditDoubt', thing: tenantId, before: null, after: { position } };
}

/** Moves heads, and records where one was found that is not ours. */
function writePlaces(
  engine: Connection,
  places: readonly Place[],
  heads: readonly NextHead[],
  doubts: readonly ServiceDeed[],
): Promise<string[]> {
  if (doubts.length === 0) return moveHeads(engine, places, heads);
  return engine.transaction(
    async (transaction) => {
      const sealed = await moveHeads(transaction, places, heads);
      const told = doubts.filter(({ tenantId }) => sealed.includes(tenantId));
      if (told.length > 0) await transaction.sql((sql) => serviceDeedsRecorded(sql, told));
      return sealed;
    },
    { deadlineMs },
  );
}

/** Moves the heads that are as they were read and, with them, gives their entries their places; the ids of the tenants that were moved. */
async function moveHeads(engine: Statements, places: readonly Place[], heads: readonly NextHead[]): Promise<string[]> {
  const sealed = await engine.sql<{ tenant_id: string }>(
    (sql) => sql`
      with asked as (
        select * from jsonb_to_recordset(${sql.json(heads)}::jsonb)
          as a (tenant_id uuid, expected bigint, expected_hash text, position bigint, hash text, mac text, doubted_at bigint)
      ), moved as (
        insert into audit_heads as h (tenant_id, position, hash, mac, doubted_at)
        -- In one order, so that two sealers cannot wait for each other.
        select tenant_id, position, hash, mac, doubted_at from asked order by tenant_id
        on conflict (tenant_id) do update
        set position = excluded.position, hash = excluded.hash, mac = excluded.mac, doubted_at = excluded.doubted_at, sealed_at = now()
        where exists (select from asked a where a.tenant_id = h.tenant_id and a.expected = h.position and a.expected_hash = h.hash)
        returning h.tenant_id
      ), placed as (
        update audit_entries e set position = p.position, hash = p.hash
        from jsonb_to_recordset(${sql.json(places)}::jsonb) as p (tenant_id uuid, id uuid, position bigint, hash text)
        join moved m on m.tenant_id = p.tenant_id
        where e.tenant_id = p.tenant_id and e.id = p.id and e.position is null
      )
      select tenant_id from moved`,
    { deadlineMs },
  );
  return sealed.map(({ tenant_id: uuid }) => idOfUuid('ten', uuid));
}
