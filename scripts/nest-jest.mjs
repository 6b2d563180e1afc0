/**
 * `npm run test:nest-jest`: packs the packages, installs them in an application as `nest new` makes it (CommonJS, Jest), and
 * runs its tests. Jest has to end by itself, so nothing may be left open.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'perdure-nest-jest-'));
const packages = ['core', 'http', 'nestjs'];
const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
try {
  run('turbo', ['run', 'build', '--filter=@perdure/nestjs', '--output-logs=errors-only']);
  cpSync('integration-tests/nest/jest', folder, { recursive: true });
  const packed = packages.map((name) => `./perdure-${name}-0.1.0.tgz`);
  for (const name of packages) run('npm', ['pack', `./packages/${name}`, '--pack-destination', folder, ...quiet]);
  run('npm', ['install', '--ignore-scripts', '--no-package-lock', ...quiet, ...packed], folder);
  // PGlite, which is embedded here, loads its parts with `import()`.
  process.env['NODE_OPTIONS'] = '--experimental-vm-modules';
  run('npx', ['jest', '--runInBand', '--detectOpenHandles', ...process.argv.slice(2)], folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} command @param {string[]} args @param {string} [cwd] */
function run(command, args, cwd = '.') {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed with ${status}`);
}
