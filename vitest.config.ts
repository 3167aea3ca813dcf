import { defineConfig } from 'vitest/config';

export default defineConfig({
  // vitest would load graphql twice (mjs for us, cjs for its dependants), and two copies refuse each other's types.
  resolve: { alias: [{ find: /^graphql$/, replacement: new URL('./node_modules/graphql/index.js', import.meta.url).pathname }] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/federation/**', 'node_modules/**'],
    globalSetup: ['test/harness/cluster.ts'],
    setupFiles: [],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most of the time a file waits (for leases, deadlines, processes): more of them than there are cores.
    maxWorkers: 4,
  },
});
