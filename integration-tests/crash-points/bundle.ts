import { pathToFileURL } from 'node:url';
import { bundleSource, newBundle } from '../support/bundle-source.js';

const entries = {
  victim: new URL('./children/victim.ts', import.meta.url),
  'traced-victim': new URL('./children/traced-victim.ts', import.meta.url),
};

export interface Bundle {
  readonly file: URL;
  remove(): void;
}

/** One file of JavaScript with the victim: there are hundreds of them. */
export async function bundleVictim(entry: keyof typeof entries = 'victim'): Promise<Bundle> {
  const bundle = newBundle('perdure-crash-points');
  await bundleSource(bundle, { victim: entries[entry] });
  return { file: pathToFileURL(`${bundle.folder}/victim.mjs`), remove: () => bundle.remove() };
}
