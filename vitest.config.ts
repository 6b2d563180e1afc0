import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { SlowFirst } from './integration-tests/support/slow-first.js';

const examples = fileURLToPath(new URL('./examples', import.meta.url));
const packages = fileURLToPath(new URL('./packages', import.meta.url));

/** What runs as it would at a user's. */
const onBuiltPackages = [
  'integration-tests/demo.test.ts',
  'integration-tests/next/next.test.ts',
  'integration-tests/services.test.ts',
];

export default defineConfig({
  resolve: {
    // Tests run on the packages' source, so nothing has to be built first.
    alias: [
      { find: '@perdure/example-document-rag-shared', replacement: `${examples}/document-rag/shared/src/index.ts` },
      { find: /^@perdure\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
      { find: /^@perdure\/([^/]+)\/(.+)$/, replacement: `${packages}/$1/src/$2.ts` },
    ],
  },
  test: {
    // More than there are cores in the checks: the tests wait for processes and databases, too.
    maxWorkers: 3,
    // How long a fact may take to come about on a busy machine.
    expect: { poll: { timeout: 20_000, interval: 5 } },
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts'],
          // The testing package starts PGlite too, which takes seconds, and more on a busy machine.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['integration-tests/**/*.test.ts', 'examples/**/*.test.ts'],
          // See vitest.lanes.config.ts, vitest.next.config.ts, vitest.packed.config.ts and vitest.traces.config.ts.
          exclude: [
            'integration-tests/lanes/**',
            'integration-tests/next/long/**',
            'integration-tests/packed/**',
            'integration-tests/tracing/long/**',
            '**/node_modules/**',
            ...onBuiltPackages,
          ],
          globalSetup: [
            'integration-tests/support/postgres-server.ts',
            'integration-tests/support/bundled-children.ts',
            'integration-tests/support/pglite-data.ts',
          ],
          // Starting PGlite takes seconds, and more on a busy machine.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'built',
          include: onBuiltPackages,
          globalSetup: ['integration-tests/support/built-packages.ts', 'integration-tests/support/postgres-server.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
