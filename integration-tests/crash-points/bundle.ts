import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

const entries = {
  victim: new URL('./children/victim.ts', import.meta.url),
  'traced-victim': new URL('./children/traced-victim.ts', import.meta.url),
};

export interface Bundle {
  readonly file: URL;
  remove(): void;
}

/**
 * Puts the victim and the packages' source into one file of JavaScript. A worker then starts in a tenth of the time that
 * compiling them takes, and there are hundreds.
 */
export async function bundleVictim(entry: keyof typeof entries = 'victim'): Promise<Bundle> {
  // Where what is not bundled can be found.
  const folder = `${root}node_modules/.cache/perdure-crash-points/${randomUUID()}`;
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    resolve: {
      alias: [
        { find: /^@perdure\/([^/]+)$/, replacement: `${root}packages/$1/src/index.ts` },
        { find: /^@perdure\/([^/]+)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` },
      ],
    },
    ssr: { noExternal: true, external: ['pg-native', '@electric-sql/pglite'] },
    build: {
      ssr: fileURLToPath(entries[entry]),
      outDir: folder,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'victim.mjs', codeSplitting: false } },
    },
  });
  return {
    file: pathToFileURL(`${folder}/victim.mjs`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
