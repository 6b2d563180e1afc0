/**
 * Plants bugs, one at a time, in a copy of this checkout, and sees that the tests catch them: `npm run planted-faults`.
 *
 * --only TEXT   only the faults whose names contain this; may be given several times
 * --part 2/5    only the second fifth of them
 * --json FILE   what became of each; what the file says of others stays there
 * --report FILE a table of all that `--json` then knows, or of this run
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { faults } from './planted-faults/faults.mjs';
import { readVerdicts, tableOf, withVerdicts } from './planted-faults/verdicts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    part: { type: 'string', default: '1/1' },
    json: { type: 'string' },
    report: { type: 'string' },
  },
});
const chosen = partOf(faults.filter(({ name }) => options.only.some((text) => name.includes(text))));
const copy = copyOfCheckout();

try {
  const files = [...new Set(chosen.map(({ tests }) => tests))];
  const sound = runTests(files);
  if (sound.failed.length > 0 || sound.passed === 0) {
    const why = sound.failed.join('; ') || `none ran\n${sound.stderr}`;
    throw new Error(`Without a fault, these tests should pass: ${why}`);
  }
  const verdicts = chosen.map((fault) => {
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
    return { name: fault.name, promise: fault.promise, tests: fault.tests, isCaught, failed };
  });
  const missed = verdicts.filter(({ isCaught }) => !isCaught);
  say(`${verdicts.length - missed.length} of ${verdicts.length} faults were caught`);
  const all = options.json === undefined ? verdicts : withVerdicts(readVerdicts(options.json), verdicts);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(all, null, 2)}\n`);
  if (options.report !== undefined) writeFileSync(options.report, tableOf(all));
  if (missed.length > 0) process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/**
 * Those that the same tests catch are in one part, as far as can be: these tests are seen to pass without a fault first.
 *
 * @param {readonly import('./planted-faults/fault.mjs').Fault[]} all
 */
function partOf(all) {
  const [no = 1, count = 1] = options.part.split('/').map(Number);
  const sorted = all.toSorted((one, other) => one.tests.localeCompare(other.tests));
  return sorted.slice(Math.floor(((no - 1) * sorted.length) / count), Math.floor((no * sorted.length) / count));
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
  // A workspace has those dependencies to itself that others have in another version.
  for (const workspace of paths.filter((path) => basename(path) === 'package.json').map(dirname)) {
    const installed = join(workspace, 'node_modules');
    if (!existsSync(join(root, installed))) continue;
    mkdirSync(join(folder, installed), { recursive: true });
    for (const name of readdirSync(join(root, installed))) {
      // What is cached was made of this checkout.
      if (name === '@perdure' || name === '.cache') continue;
      symlinkSync(join(root, installed, name), join(folder, installed, name));
    }
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
  const { stderr } = spawnSync(
    'npx',
    ['vitest', 'run', '--reporter=json', `--outputFile=${output}`, ...files, '-t', escaped(title)],
    { cwd: copy, encoding: 'utf8' },
  );
  const report =
    /** @type {{ numPassedTests: number, testResults: { status: string, name: string, message: string, assertionResults: { status: string, fullName: string }[] }[] }} */ (
      JSON.parse(readFileSync(output, 'utf8'))
    );
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: report.numPassedTests,
    failed: tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    stderr,
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
