import { beforeAll, describe } from 'vitest';
import { processConformance } from '../../http/conformance/processes.js';
import { build, type Build } from '../build.js';
import { nextConformance } from '../conformance.js';
import { nextShop } from '../shop.js';

const builds: (Build & { readonly name: string })[] = [
  { name: 'Turbopack', bundler: 'turbopack' },
  { name: 'webpack', bundler: 'webpack' },
  { name: 'Turbopack and cacheComponents', bundler: 'turbopack', env: { NEXT_CACHE_COMPONENTS: '1' } },
  { name: 'Turbopack, and packages outside of the bundles', bundler: 'turbopack', env: { NEXT_EXTERNAL: '1' } },
  { name: 'webpack, and packages outside of the bundles', bundler: 'webpack', env: { NEXT_EXTERNAL: '1' } },
];

describe.each(builds)('Next.js with $name', ({ bundler, env = {} }) => {
  beforeAll(async () => await build({ bundler, env }));

  describe('the conformance list', () => {
    nextConformance({ dev: false, on: ['postgres', 'pglite'] });
  });

  describe('a process of next start', () => {
    processConformance(nextShop(env));
  });
});
