import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tests = fileURLToPath(new URL('..', import.meta.url));

/** A folder of modules in JavaScript, where what is not bundled can be found. */
export interface SourceBundle {
  readonly folder: string;
  remove(): void;
}

export function newBundle(name: string): SourceBundle {
  const folder = `${tests}node_modules/.cache/${name}/${randomUUID()}`;
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Puts files with the packages' source that they use into a module each: such a process starts in a tenth of the time that
 * compiling takes.
 *
 * @param entries the files, by the names of the modules
 * @param withPackages puts the packages of others into them too, which is quicker still; some cannot be
 */
export async function bundleSource(
  { folder }: SourceBundle,
  entries: Readonly<Record<string, URL>>,
  { withPackages } = { withPackages: true },
): Promise<void> {
  const input = Object.fromEntries(Object.entries(entries).map(([name, url]) => [name, fileURLToPath(url)]));
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    resolve: {
      alias: [
        { find: /^@perdure\/([^/]+)$/, replacement: `${root}packages/$1/src/index.ts` },
        { find: /^@perdure\/([^/]+)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` },
      ],
    },
    ssr: { noExternal: withPackages || /^@perdure\//, external: ['pg-native', '@electric-sql/pglite'] },
    build: {
      ssr: true,
      outDir: folder,
      target: 'node20',
      minify: false,
      rolldownOptions: {
        input,
        // A worker starts quicker with one file; several entries share what they have in common.
        output: {
          entryFileNames: '[name].mjs',
          chunkFileNames: '[name]-[hash].mjs',
          ...(Object.keys(input).length === 1 && { codeSplitting: false }),
        },
      },
    },
  });
}
