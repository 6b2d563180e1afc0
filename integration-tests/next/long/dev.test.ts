import { beforeAll, describe } from 'vitest';
import { buildPackages } from '../build.js';
import { nextConformance } from '../conformance.js';

describe('the conformance list under next dev', () => {
  beforeAll(async () => await buildPackages());
  nextConformance({ dev: true, on: ['postgres', 'pglite'] });
});
