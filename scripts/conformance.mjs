/**
 * The conformance list of idempotent requests, on every framework: `npm run conformance`.
 *
 * --only TEXT   only the tests whose names contain this, such as the name of a framework
 * --json FILE   how many tests passed, by framework: { "Express 5": { "passed": 42, "failed": 0, "total": 42 }, … }
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
// Next has to be built first, which its own file does.
const files = ['integration-tests/http/conformance.test.ts', 'integration-tests/next/next.test.ts'];
const folder = mkdtempSync(join(tmpdir(), 'perdure-conformance-'));
const output = join(folder, 'report.json');

try {
  const title = `the conformance list on .*${(options.only ?? '').replaceAll(/[^\w ]/g, '.')}`;
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${output}`];
  const { status } = spawnSync('npx', ['vitest', 'run', ...files, ...reporters, '--testNamePattern', title], {
    stdio: 'inherit',
    env: { ...process.env, CONFORMANCE: 'long' },
    shell: process.platform === 'win32',
  });
  if (!existsSync(output)) throw new Error('The tests did not run to their end, so there is nothing to count.');
  const report = /** @type {Report} */ (JSON.parse(readFileSync(output, 'utf8')));
  const counts = countsIn(report);
  for (const [framework, { passed, failed, total }] of Object.entries(counts)) {
    process.stdout.write(
      `${framework.padEnd(24)} ${passed} of ${total} passed${failed === 0 ? '' : `, ${failed} failed`}\n`,
    );
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(counts, null, 2)}\n`);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** @typedef {{ testResults: { assertionResults: { ancestorTitles: string[], status: string }[] }[] }} Report */
/** @typedef {{ passed: number, failed: number, total: number }} Count */

/**
 * A test of a framework stands below a title that names it.
 *
 * @param {Report} report
 */
function countsIn({ testResults }) {
  /** @type {Record<string, Count>} */
  const counts = {};
  for (const { ancestorTitles, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    const framework = /^the conformance list on '?(.+?)'?$/.exec(ancestorTitles[0] ?? '')?.[1];
    if (framework === undefined || (status !== 'passed' && status !== 'failed')) continue;
    const count = (counts[framework] ??= { passed: 0, failed: 0, total: 0 });
    count[status] += 1;
    count.total += 1;
  }
  return counts;
}
