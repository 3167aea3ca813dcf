import type { Database } from '../db/client.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import { newId } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import type { Scope } from '../kernel/scope.ts';
import { entriesAdded, entryOf, type NewEntry } from './entry.ts';
import type { Pseudonyms } from './pseudonym.ts';

const writeMs = 60_000;
/** Different refusals that are counted at a time; more of them are counted as lost. */
const mostCounted = 10_000;
/** Entries in one statement. */
const batch = 500;

interface Counted {
  /** As it was the last time. */
  readonly scope: Scope;
  readonly operation: string;
  readonly code: ErrorCode;
  count: number;
}

/**
 * Refused acts: counted in memory for each tenant, actor, operation and code, written once a minute and at the end. Outside the act, which
 * has no transaction to be in, and not one by one: whoever is refused decides how often. A crash loses what was not written yet.
 */
export class RefusalCounter {
  private counted = new Map<string, Counted>();
  private lost = 0;
  private readonly rounds = new Rounds(() => this.round());

  constructor(
    private readonly parts: { readonly database: Database; readonly pseudonyms: Pseudonyms; readonly log: Log },
    private readonly most = mostCounted,
  ) {}

  open(): void {
    this.rounds.open(writeMs);
  }

  /** Counts one. */
  note(scope: Scope, operation: string, code: ErrorCode): void {
    const name = `${scope.tenantId} ${scope.memberId} ${operation} ${code}`;
    const known = this.counted.get(name);
    if (!known && this.counted.size >= this.most) this.lost += 1;
    else this.counted.set(name, { scope, operation, code, count: (known?.count ?? 0) + 1 });
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.rounds.close();
    await this.write();
  }

  /** One round, now. */
  write(): Promise<void> {
    return this.rounds.run();
  }

  private async round(): Promise<void> {
    const { counted, lost } = this;
    const { pseudonyms, log } = this.parts;
    this.counted = new Map();
    this.lost = 0;
    if (lost > 0) log.warn({ lost }, 'refused acts that the audit log does not tell of');
    for (const [tenantId, ofTenant] of Map.groupBy(counted.values(), ({ scope }) => scope.tenantId)) {
      for (let from = 0; from < ofTenant.length; from += batch) {
        const entries = ofTenant.slice(from, from + batch).map(({ scope, operation, code, count }) => {
          const told = { thing: null, before: null, after: null };
          return { ...entryOf(pseudonyms, scope, operation, told, newId('aud')), code, count };
        });
        await this.add(tenantId, entries);
      }
    }
  }

  private async add(tenantId: string, entries: readonly NewEntry[]): Promise<void> {
    try {
      await this.parts.database.as({ tenantId }).sql((sql) => entriesAdded(sql, tenantId, entries), { idempotent: true });
    } catch (err) {
      // They are told of in the log at least; kept, they would only pile up while the database is away.
      const told = entries.map(({ operation, code, count, actor }) => ({ operation, code, count, actor }));
      this.parts.log.error({ err, tenantId, refused: told }, 'could not write refused acts');
    }
  }
}
