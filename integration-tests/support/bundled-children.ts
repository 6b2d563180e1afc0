import { bundleSource, newBundle } from './bundle-source.js';

/** Those that tests start again and again; see `children.ts`. */
const names = [
  'http/children/nest-shop-server',
  'http/children/shop-server',
  'queues/children/queue-worker',
  'recovery/children/crash-round',
  'recovery/children/worker',
  'sleepers/children/sleeping-process',
  'tracing/children/traced-worker',
  'versions/children/shop-process',
];

/** Compiles the processes of the tests once for all of them. */
export default async function setup(): Promise<() => void> {
  const bundle = newBundle('perdure-children');
  const entries = names.map((name) => [name, new URL(`../${name}.ts`, import.meta.url)] as const);
  await bundleSource(bundle, Object.fromEntries(entries), { withPackages: false });
  process.env['BUNDLED_CHILDREN'] = bundle.folder;
  return () => bundle.remove();
}
