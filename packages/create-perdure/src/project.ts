import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from './command-line.js';
import type { TemplateName } from './templates.js';

interface Manifest {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * Puts an application into a folder that is empty or is not there yet.
 *
 * @param version of the packages of Perdure, which are released together
 *
 * @throws {UsageError} where the folder is not empty, or cannot be one
 */
export async function makeProject(folder: string, template: TemplateName, version: string): Promise<void> {
  await makeFolder(folder);
  const present = (await readdir(folder)).filter((name) => name !== '.git');
  if (present.length > 0) throw new UsageError(`The folder ${folder} is not empty. Name another one.`);
  await cp(fileURLToPath(new URL(`../templates/${template}`, import.meta.url)), folder, { recursive: true });
  // The registry leaves a file of this name out of packages.
  await rename(join(folder, 'gitignore'), join(folder, '.gitignore'));
  const path = join(folder, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  await writeFile(path, `${JSON.stringify(named(manifest, packageName(folder), version), null, 2)}\n`);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (!isFileThere(error)) throw error;
    throw new UsageError(`There is a file in the way of the folder ${folder}. Name another one.`, { cause: error });
  }
}

/** Whether the folder, or one that it is to be in, is a file. */
function isFileThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EEXIST' || error.code === 'ENOTDIR');
}

function named(manifest: Manifest, name: string, version: string): Manifest {
  const dependencies = Object.entries(manifest.dependencies).map(([key, range]) => [
    key,
    key.startsWith('@perdure/') ? version : range,
  ]);
  return { ...manifest, name, dependencies: Object.fromEntries(dependencies) as Manifest['dependencies'] };
}

/** A name that npm takes, of the folder's. */
export function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|(?<!-)-+$/g, '');
  return name === '' ? 'perdure-app' : name;
}
