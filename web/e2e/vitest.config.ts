import { defineConfig } from 'vitest/config';

/** Journeys through a running server in a real browser; see `support/server.ts` for what they need. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.e2e.ts'],
    environment: 'node',
    reporters: ['./reporter.ts'],
    fileParallelism: false,
    // Above the patience of a single step, so that the step is named which failed.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
