/**
 * `npm run create -- <template> <folder>`: what `npm create perdure` makes, with the packages of this checkout, packed as the
 * registry would have them.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [template, target] = process.argv.slice(2);
if (template === undefined || target === undefined) {
  console.error('Usage: npm run create -- <express | nestjs | nextjs> <folder>');
  process.exit(2);
}
// npm runs scripts at the root; what the caller means is beside where the caller is.
const folder = resolve(process.env['INIT_CWD'] ?? process.cwd(), target);
const adapter = template === 'nextjs' ? 'next' : template;
const names = ['core', 'http', adapter, 'otel'];

run('npx', ['turbo', 'run', 'build', ...names.map((name) => `--filter=@perdure/${name}`), '--filter=create-perdure']);
run(process.execPath, ['packages/create-perdure/dist/bin.js', folder, '--template', template, '--no-install']);
const packed = join(folder, 'packages');
mkdirSync(packed);
for (const name of names) run('npm', ['pack', `./packages/${name}`, '--pack-destination', packed]);

const path = join(folder, 'package.json');
const manifest = /** @type {{ dependencies: Record<string, string> }} */ (JSON.parse(readFileSync(path, 'utf8')));
for (const name of names) {
  const own = readFileSync(join(root, 'packages', name, 'package.json'), 'utf8');
  const { version } = /** @type {{ version: string }} */ (JSON.parse(own));
  manifest.dependencies[`@perdure/${name}`] = `file:packages/perdure-${name}-${version}.tgz`;
}
writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${template} in ${folder}. Next: cd there, npm install, npm run build, npm start.`);

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  console.error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  process.exit(1);
}
