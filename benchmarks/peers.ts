import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContenderName } from './contender.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

const packages: Readonly<Record<Exclude<ContenderName, 'perdure'>, string>> = {
  dbos: '@dbos-inc/dbos-sdk',
  openworkflow: 'openworkflow',
  'pg-boss': 'pg-boss',
  'graphile-worker': 'graphile-worker',
};

/** Installs the peers as the lock file says, unless that was done before. */
export function installPeers(): void {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const mark = join(folder, 'node_modules/.installed');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  process.stderr.write('installing what Perdure is measured beside …\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('npm ci has failed in benchmarks/');
  writeFileSync(mark, lock);
}

/** The Node.js that the lock file names: all contenders run on the same, and some of them on no older one. */
export function pinnedNode(): string {
  const file = join(folder, 'node_modules/node/bin/node');
  return existsSync(file) ? file : process.execPath;
}

/** The versions of those that take part, by their names here. */
export function versionsOf(contenders: readonly ContenderName[]): Record<string, string> {
  const version = (name: ContenderName): string => {
    const path = name === 'perdure' ? join(folder, '../packages/core') : join(folder, 'node_modules', packages[name]);
    return (JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { version: string }).version;
  };
  return Object.fromEntries(contenders.map((name) => [name, version(name)]));
}
