import { LedgerService } from '../../src/budgets/ledger.service.ts';
import type { Database } from '../../src/db/client.ts';
import { Purger } from '../../src/generations/purge.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Log } from '../../src/kernel/log.ts';
import { Bus } from '../../src/messages/bus.ts';
import { offline } from '../../src/providers/offline.ts';
import { Models } from '../../src/routing/models.ts';

/** A purger whose rounds are run by the test. */
export function openPurger(database: Database, log: Log): Purger {
  const bus = new Bus(log);
  const ledger = new LedgerService({ models: new Models([offline({ tokensPerSecond: 0 })], null), bus, clock: systemClock });
  return new Purger({ database, ledger, bus, log });
}
