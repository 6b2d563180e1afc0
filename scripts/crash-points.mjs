/**
 * The long form of the crash-point tests: every statement of every scenario, in every mode, followed by every second crash,
 * on both databases.
 *
 *   npm run crash-points [-- --json FILE]
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const { status } = spawnSync('npx', ['vitest', 'run', 'integration-tests/crash-points', '--reporter=verbose'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    CRASH_POINTS: 'all',
    ...(values.json !== undefined && { CRASH_POINTS_REPORT: resolve(values.json) }),
  },
});
process.exitCode = status ?? 1;
