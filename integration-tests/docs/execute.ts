import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { bundleSource, newBundle } from '../support/bundle-source.js';
import { pathIn } from './compile.js';
import type { DocModule } from './modules.js';

export interface BlockToRun {
  readonly path: string;
  /** Whether it launches an engine itself. */
  readonly launches: boolean;
}

/** What became of a module that was executed. */
export interface BlockRun {
  readonly path: string;
  /** What it threw, or rejected with and nobody heard. */
  readonly errors: readonly string[];
  /** How many runs it brought to an end. */
  readonly completed: number;
  readonly failed: number;
}

/** Executes those modules of a folder that are marked to run, in one process with an embedded Postgres in memory. */
export async function execute(folder: string, modules: readonly DocModule[]): Promise<readonly BlockRun[]> {
  const bundle = newBundle('doc-blocks');
  try {
    const entries = modules.map((module, index) => [`block-${index}`, pathToFileURL(pathIn(folder, module))] as const);
    const runner = new URL('children/run-blocks.ts', import.meta.url);
    await bundleSource(bundle, { ...Object.fromEntries(entries), runner }, { withPackages: false });
    const blocks = modules.map(({ code }, index): BlockToRun => ({
      path: join(bundle.folder, `block-${index}.mjs`),
      launches: code.includes('Perdure.launch('),
    }));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(bundle.folder, 'runner.mjs'), JSON.stringify(blocks)],
      { cwd: bundle.folder, env: { ...process.env, DATABASE_URL: '' }, timeout: 60_000 },
    );
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{"path":'))
      .map((line) => JSON.parse(line) as BlockRun);
  } finally {
    bundle.remove();
  }
}
