/**
 * `npm run test:nest`: installs the other major versions of Nest, each in a folder of its own, before the tests of
 * `@perdure/nestjs` are run on them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

for (const major of ['10', '12']) {
  const folder = `integration-tests/nest/majors/${major}`;
  if (existsSync(`${folder}/node_modules`)) continue;
  const { status } = spawnSync('npm', ['ci', '--workspaces=false', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}
