/** Processes that are killed at every stage of a run, and the traces that are left: `npm run test:traces`. */
import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

export default defineConfig({
  resolve: base.resolve ?? {},
  test: {
    name: 'traces',
    expect: base.test?.expect ?? {},
    include: ['integration-tests/tracing/long/**/*.test.ts'],
    globalSetup: ['integration-tests/support/postgres-server.ts'],
    // Each of them has three processes of its own.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
