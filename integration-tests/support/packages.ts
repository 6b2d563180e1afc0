import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];

/** Runs a command to its end. What it printed is in the error, if it fails. */
export async function runIn(
  folder: string,
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd: folder, env: { ...process.env, ...env }, timeout: 280_000 });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Builds these packages and what they need, unless they are built already. */
export async function buildPackages(...names: string[]): Promise<void> {
  const filters = names.map((name) => `--filter=${name === 'create-perdure' ? name : `@perdure/${name}`}...`);
  await runIn(root, ['npx', 'turbo', 'run', 'build', ...filters, '--output-logs=errors-only']);
}

/** Puts a built package into a folder, as the registry would have it. @returns where it is */
export async function pack(name: string, folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'packages', name, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
  };
  await runIn(root, ['npm', 'pack', `./packages/${name}`, '--pack-destination', folder, ...quiet]);
  return join(folder, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
}

/** Installs built packages in an application as the registry would have them, beside what else it needs. */
export async function installPacked(
  folder: string,
  names: readonly string[],
  others: readonly string[],
): Promise<void> {
  const packed: string[] = [];
  for (const name of names) packed.push(await pack(name, folder));
  await runIn(folder, ['npm', 'install', '--save-exact', '--no-package-lock', ...quiet, ...others, ...packed]);
}
