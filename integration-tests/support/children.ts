import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));

/**
 * A node process that runs a TypeScript file of these tests on the packages' source: the module that
 * `bundled-children.ts` has made of it, or else the file itself, which has to be compiled first.
 *
 * @param output where it prints to
 */
export function forkChild(
  file: URL,
  args: readonly string[],
  output: number,
  nodeOptions: readonly string[] = [],
): ChildProcess {
  const path = fileURLToPath(file);
  const bundled = `${process.env['BUNDLED_CHILDREN']}/${path.slice(folder.length).replace(/\.ts$/, '.mjs')}`;
  const isBundled = existsSync(bundled);
  return fork(isBundled ? bundled : path, args, {
    cwd: folder,
    execArgv: [...(isBundled ? [] : ['--import', 'tsx']), ...nodeOptions],
    env: { ...process.env, TSX_TSCONFIG_PATH: `${folder}tsconfig.children.json` },
    stdio: ['ignore', output, output, 'ipc'],
  });
}
