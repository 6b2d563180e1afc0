/**
 * `npm run loc`: how many lines each of the document services has, and how many of them durability costs, counted by two
 * rules, which it prints. `--json FILE` writes the numbers.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { libraryLines } from './loc/library-lines.mjs';

const examples = fileURLToPath(new URL('../examples/document-rag/', import.meta.url));
const reference = 'plain-express';
const variants = [reference, 'express', 'nestjs', 'nextjs'];

/** What the reference has no counterpart of: what starts the demonstration, and the page with what only it uses. */
const isLeftOut = (/** @type {string} */ path) =>
  path === 'src/demo.ts' ||
  /[.](tsx|svg)$/.test(path) ||
  path.startsWith('src/page/') ||
  /^src\/app\/(live|uploads)\//.test(path);

const rules = `
Counted are the files below src/ with blank lines and comments, and configuration that durability needs (there is none).
Left out are src/demo.ts and, of Next.js, the page with what only it uses. What all four have in common (reading PDF, HTML and
Markdown, splitting, storing, answering: examples/document-rag/shared) is the same for all and is not counted.

published  Lines of the service that name the library: imports, marks, options, and calls of what was made with it, but not
           renamed variables nor closing brackets. The same rule gives the 7 lines that the comparison below publishes for
           DBOS: the import, DBOS(), Queue(), two decorators, enqueue and start_workflow.
strict     Every line that diff adds or removes against the reference, blank ones and closing brackets, too. For NestJS and
           Next.js that is nearly all of them, as the reference is on Express.

Published elsewhere (github.com/dbos-inc/durable-execution-benchmark, in Python): the reference has 110 lines; with DBOS it has
113, of which 7 are changed, strictly +14 −11, and a configuration file of 12 lines; with Temporal it has 187, and two more
processes.`;

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const folder = mkdtempSync(join(tmpdir(), 'loc-'));
const programs = new Map(variants.map((name) => [name, readProgram(name)]));
const diffs = new Map(variants.map((name) => [name, diffOf(name)]));
const counts = Object.fromEntries(variants.map((name) => [name, countOf(name)]));
rmSync(folder, { recursive: true });

const rows = variants.map((name) => {
  const { lines, changedPublished, added, removed } = countOf(name);
  return [name, fileNames(name).length, lines, changedPublished, `+${added} −${removed}`];
});
for (const name of variants.slice(1)) console.log(`${reference} → ${name}\n${diffs.get(name)}`);
for (const row of [['', 'files', 'lines', 'published', 'strict'], ...rows]) {
  console.log(row.map((cell, column) => String(cell)[column === 0 ? 'padEnd' : 'padStart'](14)).join(''));
}
console.log(rules);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(counts, null, 2)}\n`);

/**
 * @typedef {{ lines: number, changedPublished: number, added: number, removed: number }} Counts
 * @param {string} name
 * @returns {Counts}
 */
function countOf(name) {
  const program = programs.get(name) ?? '';
  const changes = (diffs.get(name) ?? '').split('\n').slice(2);
  return {
    lines: program.split('\n').length - 1,
    changedPublished: libraryLines(program).size,
    added: changes.filter((line) => line.startsWith('+')).length,
    removed: changes.filter((line) => line.startsWith('-')).length,
  };
}

/** The files of a variant, one after the other. @param {string} name */
function readProgram(name) {
  const program = fileNames(name)
    .map((path) => readFileSync(join(examples, name, path), 'utf8'))
    .join('');
  writeFileSync(join(folder, name), program);
  return program;
}

/** @param {string} name */
function fileNames(name) {
  return readdirSync(join(examples, name, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(join(examples, name).length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !isLeftOut(path))
    .sort();
}

/** The shortest difference, without what surrounds it. @param {string} name */
function diffOf(name) {
  const options = ['diff', '--no-index', '--no-color', '--minimal', '--unified=0', '--no-ext-diff'];
  const { stdout } = spawnSync('git', [...options, reference, name], { cwd: folder, encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => !line.startsWith('diff --git') && !line.startsWith('index '))
    .join('\n');
}
