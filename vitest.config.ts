import { defineConfig } from 'vitest/config';
import { alone } from './test/harness/alone.ts';

// vitest would load graphql twice (mjs for us, cjs for its dependants), and two copies refuse each other's types.
const resolve = {
  alias: [{ find: /^graphql$/, replacement: new URL('./node_modules/graphql/index.js', import.meta.url).pathname }],
};

// Deadlines are there for what hangs: they cost nothing when all goes well, and a busy machine takes its time.
const deadlines = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 12_000 } } };

export default defineConfig({
  test: {
    // Once per run, not once per project.
    globalSetup: ['test/harness/cluster.ts'],
    pool: 'forks',
    // Most of the time a file of faults waits (for leases, deadlines, processes): more of them than there are cores.
    maxWorkers: 4,
    projects: [
      { resolve, test: { name: 'alone', include: alone, ...deadlines } },
      {
        resolve,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...alone, 'test/federation/**', 'node_modules/**'],
          // The modules hold no state: what a worker has loaded (and made fast) for one file serves the next.
          isolate: false,
          unstubEnvs: true,
          ...deadlines,
        },
      },
    ],
  },
});
