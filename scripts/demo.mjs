/**
 * `npm run demo`: builds the packages that a demo imports, and the demo if it is compiled, without a word unless that fails, and runs it.
 * `npm run demo -- express`: that of another example. Those in document-rag need a Postgres server: without a DATABASE_URL they get one.
 */
import { spawnSync } from 'node:child_process';

const [first, ...rest] = process.argv.slice(2);
const isNamed = first !== undefined && !first.startsWith('-');
const name = isNamed ? first : 'document-indexing';
const options = isNamed ? rest : process.argv.slice(2);
const example = `examples/${name}`;
const needsServer = name.startsWith('document-rag/') && (process.env['DATABASE_URL'] ?? '') === '';

const build = run(
  'turbo',
  ['run', 'build', `--filter=@perdure/example-${name.replaceAll('/', '-')}...`, '--output-logs=errors-only'],
  'pipe',
);
if (build.error) console.error(`turbo did not start (${build.error.message}). Run "npm ci" first.`);
if (build.status !== 0) {
  console.error(`${build.stdout ?? ''}${build.stderr ?? ''}`);
  process.exit(1);
}
const config = `${example}/tsconfig.demo.json`;
const demonstration = ['tsx', '--tsconfig', config, `${example}/src/demo.ts`, ...options];
const server = needsServer ? ['tsx', 'integration-tests/with-postgres.ts'] : [];
const [command = '', ...args] = [...server, ...demonstration];
const demo = run(command, args, 'inherit');
process.exitCode = demo.status ?? 1;

/** @param {string} command @param {string[]} args @param {'pipe' | 'inherit'} stdio */
function run(command, args, stdio) {
  return spawnSync(command, args, { stdio, encoding: 'utf8', shell: process.platform === 'win32' });
}
