import type { SqlTag, Statement } from '../db/statement.ts';
import { newId } from '../kernel/id.ts';
import type { ServiceScope } from '../kernel/service.ts';
import type { Deed } from './act.service.ts';
import { entriesAddedTo, entryAddedWith, serviceEntryOf } from './entry.ts';

/** What a service did, to stand in the transaction that did it. */
export interface ServiceDeed extends ServiceScope, Deed {
  readonly operation: string;
}

/** The statement that puts on record what services did. */
export function serviceDeedsRecorded(sql: SqlTag, deeds: readonly ServiceDeed[]): Statement {
  return entriesAddedTo(
    sql,
    deeds.map((deed) => ({ tenantId: deed.tenantId, entry: entryOfService(deed) })),
  );
}

/** The same for one deed beside a change that is one statement: it is recorded when `source`, a relation of that statement, has a row. */
export function serviceDeedRecordedWith(sql: SqlTag, deed: ServiceDeed, source: Statement): Statement {
  return entryAddedWith(sql, deed.tenantId, entryOfService(deed), source);
}

function entryOfService({ service, operation, thing, before, after }: ServiceDeed) {
  return serviceEntryOf(service, operation, { thing, before, after }, newId('aud'));
}
