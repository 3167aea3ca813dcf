import { PgBoss } from 'pg-boss';

const queue = 'bench';
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL ?? '', schema: 'bench_boss' });
boss.on('error', (error) => console.error(error));
await boss.start();
await boss.createQueue(queue);

let arrived: (at: number) => void = () => undefined;
// Half a second is the shortest interval it allows.
await boss.work(queue, { pollingIntervalSeconds: 0.5 }, async () => arrived(performance.now()));

/** One job at a time, sent at a random moment of the polling interval. */
process.on('message', async ({ jobs }: { jobs: number }) => {
  const times: number[] = [];
  for (let job = 0; job < jobs; job++) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
    const sentAt = performance.now();
    const work = new Promise<number>((resolve) => (arrived = resolve));
    await boss.send(queue, { job });
    times.push((await work) - sentAt);
  }
  process.send?.({ times });
});
process.on('SIGTERM', () => void boss.stop({ graceful: false }).then(() => process.exit(0)));
process.send?.({ url: 'none' });
