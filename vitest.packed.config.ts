/** The packages as the registry would have them, in applications of their own: `npm run test:packed`. */
import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

export default defineConfig({
  resolve: base.resolve ?? {},
  test: {
    name: 'packed',
    expect: base.test?.expect ?? {},
    include: ['integration-tests/packed/**/*.test.ts'],
    globalSetup: ['integration-tests/support/postgres-server.ts'],
    testTimeout: 120_000,
    // Each of them installs an application.
    hookTimeout: 300_000,
  },
});
