/**
 * The tests of the engine and of recovery once more, in circumstances that users have: `npm run test:lanes`. What each lane
 * is says integration-tests/support/lanes.ts.
 */
import { defineConfig } from 'vitest/config';
import { hasPgbouncer } from './integration-tests/support/pgbouncer.js';
import type { Circumstance } from './integration-tests/support/lanes.js';
import base from './vitest.config.js';

/** `LANES=short`: all circumstances at once, and without what kills processes by the dozen, which `npm test` does, too. */
const isShort = process.env['LANES'] === 'short';

const long = [
  'integration-tests/recovery/sigkill-every-checkpoint.test.ts',
  'integration-tests/engine/crash-points.test.ts',
];

const circumstances: Circumstance[] = ['no-notify', 'restricted-role'];
if (hasPgbouncer) circumstances.unshift('pgbouncer');
else process.stderr.write('\n*** pgbouncer is not installed: its lane is SKIPPED (apt-get install pgbouncer) ***\n\n');

const lanes = isShort ? [circumstances] : circumstances.map((circumstance) => [circumstance]);

export default defineConfig({
  resolve: base.resolve ?? {},
  test: {
    // They wait for leases and processes more than they compute.
    maxWorkers: 4,
    expect: base.test?.expect ?? {},
    projects: lanes.map((lane) => ({
      extends: true,
      test: {
        name: lane.join(' '),
        include: [
          'integration-tests/{engine,recovery}/**/*.test.ts',
          'integration-tests/versions/{versions,check}.test.ts',
          ...lane.map((circumstance) => `integration-tests/lanes/${circumstance}.test.ts`),
        ],
        exclude: isShort ? long : [],
        env: { TEST_LANE: lane.join(' ') },
        globalSetup: ['integration-tests/support/postgres-server.ts', 'integration-tests/support/bundled-children.ts'],
        testTimeout: 60_000,
        hookTimeout: 60_000,
      },
    })),
  },
});
