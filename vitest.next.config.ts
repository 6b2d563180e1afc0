/** Next.js in more of the ways in which it is used than `npm test` has time for: `npm run test:next`. */
import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

export default defineConfig({
  resolve: base.resolve ?? {},
  test: {
    name: 'next',
    expect: base.test?.expect ?? {},
    include: ['integration-tests/next/long/**/*.test.ts'],
    globalSetup: ['integration-tests/support/postgres-server.ts', 'integration-tests/support/pglite-data.ts'],
    // Each of them compiles an application, or lets Next do so.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
