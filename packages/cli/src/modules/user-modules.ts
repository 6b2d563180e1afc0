import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { processState, Registry } from '@perdure/core/internal';
import { UsageError } from '../failures/usage-error.js';
import { ModuleError } from '../failures/module-error.js';

/**
 * Imports the modules that define workflows. That is all that is needed: a definition registers itself, whichever copy of the
 * library makes it.
 *
 * @throws {UsageError} for a file that isn't there, or that this Node cannot load
 * @throws {ModuleError} for one that fails while it is loaded, launches an engine, or defines nothing
 */
export async function importModules(paths: readonly string[]): Promise<readonly string[]> {
  const { launched } = processState();
  const before = launched.size;
  for (const path of paths) {
    const file = resolve(path);
    if (!existsSync(file))
      throw new UsageError(`There is no file ${file}. Give the module that defines the workflows.`);
    try {
      await import(pathToFileURL(file).href);
    } catch (cause) {
      throw cannotLoad(path, cause) ?? ModuleError.failed(path, cause);
    }
    if (launched.size > before) throw ModuleError.launches(path);
  }
  const names = [...new Set(new Registry(null).all().map(({ name }) => name))];
  if (names.length === 0) throw ModuleError.empty(paths.join(', '));
  return names;
}

/** Types are for a loader, unless this Node strips them itself, and it does that only to what can be stripped. */
function cannotLoad(path: string, cause: unknown): UsageError | null {
  const { code } = cause as { readonly code?: unknown };
  const isTyped = /^\.[cm]?tsx?$/.test(extname(path)) || String(cause).includes('.ts');
  if (!isTyped || (code !== 'ERR_UNKNOWN_FILE_EXTENSION' && code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')) return null;
  return new UsageError(
    `${path} is TypeScript, which Node ${process.versions.node} cannot load by itself. Compile it and give the .js file, or bring a loader: NODE_OPTIONS='--import tsx' perdure …`,
    { cause },
  );
}
