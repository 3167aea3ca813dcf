import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Log } from '../../src/kernel/log.ts';
import { Bus } from '../../src/messages/bus.ts';
import { PostgresBus } from '../../src/messages/postgres-bus.ts';

/** What one process has of a database. */
export interface ProcessParts {
  readonly database: Database;
  readonly bus: Bus;
}

/** Parts as two processes have them, in this one: nothing in common but the database. */
export async function openTwoProcesses(url: string, log: Log) {
  const open = async () => {
    const database = await openDatabase({ ...databaseDefaults, url, maxConnections: 10 }, { log, clock: systemClock });
    const bus = new Bus(log);
    return { database, bus, hints: await PostgresBus.open(database, bus, log) };
  };
  const opened = [await open(), await open()] as const;
  return {
    processes: opened as readonly [ProcessParts, ProcessParts],
    close: async (): Promise<void> => {
      for (const { hints, database } of opened) {
        await hints.stop();
        await database.close();
      }
    },
  };
}
