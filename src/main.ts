import process from 'node:process';
import { openApp } from './app.ts';
import { announce } from './cli/running.ts';
import { readConfig } from './config.ts';
import { openLog } from './kernel/log.ts';

/** Serves until a signal comes; 0 after a clean stop, 1 when something could not be opened or stopped. */
async function main(): Promise<number> {
  const stopped = Promise.withResolvers<NodeJS.Signals>();
  let isAsked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait for a start or a stop that hangs.
      if (isAsked) process.exit(1);
      isAsked = true;
      stopped.resolve(signal);
    });
  }
  const config = readConfig(process.env);
  const log = openLog({ level: config.logLevel });
  const app = await openApp(config, { log, hasProcessMetrics: true });
  const takeBack = await announce(config.dataDir, app.url);
  if (app.developmentKey !== null) {
    process.stdout.write(
      `\nDraftwire is ready.\n  GraphiQL         ${app.url}/graphql\n  Development key  ${app.developmentKey}\n\n`,
    );
  }
  log.info({ url: app.url, role: config.role }, 'ready');
  log.info({ signal: await stopped.promise }, 'stopping');
  await takeBack();
  const failures = await app.stop();
  log.info({ failures: failures.length }, 'stopped');
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
  // What could not be stopped must not keep the process.
  if (process.exitCode !== 0) process.exit();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
