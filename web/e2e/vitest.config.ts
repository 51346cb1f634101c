import { defineConfig } from 'vitest/config';

/** Journeys through a running server in a real browser; see `support/server.ts` for what they need. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.e2e.ts'],
    environment: 'node',
    reporters: ['./reporter.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
