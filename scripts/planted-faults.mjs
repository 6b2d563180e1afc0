/**
 * Plants bugs, one at a time, in a copy of this checkout, and sees that the tests catch them: `npm run planted-faults`.
 *
 * --only TEXT   only the faults whose names contain this
 * --json FILE   what became of each
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { faults } from './planted-faults/faults.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
const chosen = faults.filter(({ name }) => name.includes(options.only ?? ''));
const copy = copyOfCheckout();

try {
  const files = [...new Set(chosen.map(({ tests }) => tests))];
  const sound = runTests(files);
  if (sound.failed.length > 0 || sound.passed === 0) {
    throw new Error(`Without a fault, these tests should pass: ${sound.failed.join('; ') || 'none ran'}`);
  }
  const report = chosen.map((fault) => {
    const path = join(copy, fault.file);
    const text = readFileSync(path, 'utf8');
    if (text.split(fault.find).length !== 2) throw new Error(`${fault.file} holds not once: ${fault.find}`);
    writeFileSync(
      path,
      text.replace(fault.find, () => fault.plant),
    );
    const { failed } = runTests([fault.tests], fault.caughtBy);
    writeFileSync(path, text);
    const isCaught = failed.some((title) => title.includes(fault.caughtBy));
    say(`${isCaught ? 'caught' : 'MISSED'}  ${fault.promise}  ${fault.name}: ${failed.length} tests failed`);
    for (const title of failed) say(`          ${title}`);
    return { name: fault.name, promise: fault.promise, isCaught, failed };
  });
  const missed = report.filter(({ isCaught }) => !isCaught);
  say(`${report.length - missed.length} of ${report.length} faults were caught`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (missed.length > 0) process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/** The files of the checkout as they are now, with its dependencies, but its own packages instead of links to these. */
function copyOfCheckout() {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-planted-'));
  const list = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  const paths = list.stdout.toString().split('\0');
  for (const path of paths.filter((it) => it !== '')) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
  mkdirSync(join(folder, 'node_modules/@perdure'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@perdure') continue;
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const name of readdirSync(join(folder, 'packages'))) {
    symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules/@perdure', name));
  }
  return folder;
}

/**
 * @param {readonly string[]} files
 * @param {string} [title] words of those that are wanted
 */
function runTests(files, title = '') {
  const output = join(copy, 'report.json');
  rmSync(output, { force: true });
  spawnSync('npx', ['vitest', 'run', '--reporter=json', `--outputFile=${output}`, ...files, '-t', escaped(title)], {
    cwd: copy,
  });
  const report =
    /** @type {{ numPassedTests: number, testResults: { status: string, name: string, message: string, assertionResults: { status: string, fullName: string }[] }[] }} */ (
      JSON.parse(readFileSync(output, 'utf8'))
    );
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: report.numPassedTests,
    failed: tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  };
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}
