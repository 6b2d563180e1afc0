import { beforeAll, describe } from 'vitest';
import { processConformance } from '../http/conformance/processes.js';
import { build } from './build.js';
import { nextConformance } from './conformance.js';
import { modesOfNext } from './modes.js';
import { nextShop } from './shop.js';
import { tracesOfNext } from './traces.js';

// Compiling takes half a minute, and more on a busy machine.
beforeAll(async () => await build({ bundler: 'turbopack' }), 300_000);

describe('the conformance list on Next.js', () => {
  nextConformance({ dev: false, on: ['postgres'] });
});

describe('a process of next start', () => {
  processConformance(nextShop());
});

describe('a process of next start whose worker is', () => {
  modesOfNext();
});

describe('the trace of a request of next start', { timeout: 90_000 }, () => {
  tracesOfNext();
});
