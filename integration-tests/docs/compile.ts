import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './blocks.js';
import type { DocModule } from './modules.js';
import { filesFor } from './sources.js';

/** What is wrong with a line of a page. */
export interface Complaint {
  readonly page: string;
  readonly text: string;
}

/** What a reader with `strict` has, whichever framework it is. */
const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  exactOptionalPropertyTypes: false,
  // Blocks show things, and do not always use them.
  noUnusedLocals: false,
  noUnusedParameters: false,
  // Nest's dependencies are values that are used as types only.
  verbatimModuleSyntax: false,
};

/** Each page has an application of its own. */
export function pathIn(folder: string, { page, path }: Pick<DocModule, 'page' | 'path'>): string {
  return join(folder, page.replace(/\.md$/, '').replaceAll('/', '-'), 'app', path);
}

/** Writes modules to a folder, with what they import of the reader's. */
export async function writeModules(folder: string, modules: readonly DocModule[]): Promise<void> {
  const pages = [...new Set(modules.map(({ page }) => page))];
  const files = pages.flatMap((page) => filesFor(page).map((file) => ({ page, ...file })));
  for (const { page, path, code } of [...modules, ...files]) {
    const place = pathIn(folder, { page, path });
    await mkdir(dirname(place), { recursive: true });
    // A page that shows two versions of a file would otherwise lose the first one.
    await writeFile(place, code, { flag: 'wx' });
  }
}

/** Compiles modules that were written to a folder, as one program. */
export async function compile(folder: string, modules: readonly DocModule[]): Promise<readonly Complaint[]> {
  const files = modules.map((module) => pathIn(folder, module));
  const config = `${folder}/tsconfig.json`;
  await writeFile(config, JSON.stringify({ extends: `${root}tsconfig.base.json`, compilerOptions, files }));
  const output = await outputOf(`${root}node_modules/.bin/tsc`, ['-p', config, '--pretty', 'false']);
  const origins = new Map(modules.map((module) => [pathIn(folder, module), module]));
  return (
    output
      .split(/\n(?=\S)/)
      // The source of the packages is checked elsewhere, by the options that it is written for.
      .filter((text) => text.trim() !== '' && !text.startsWith('packages/'))
      .map((text) => {
        const [, path = '', line, message] = /^(.+?)\((\d+),\d+\): ([^]+)$/.exec(text) ?? [];
        const module = origins.get(path.startsWith('/') ? path : `${root}${path}`);
        if (module === undefined) return { page: '', text };
        const { page, lines } = module;
        return { page, text: `${page}:${lines[Number(line) - 1] ?? '(added imports)'} ${message?.trim()}` };
      })
  );
}

/** What a command prints, also where it finds something wrong. */
async function outputOf(command: string, args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd: root, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '' } = error as { readonly stdout?: string };
    if (stdout === '') throw error;
    return stdout;
  }
}
