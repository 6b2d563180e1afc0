import { beforeAll, describe } from 'vitest';
import { buildPackages } from '../../support/packages.js';
import { nextConformance } from '../conformance.js';

describe('the conformance list under next dev', () => {
  beforeAll(async () => await buildPackages('next'));
  nextConformance({ dev: true, on: ['postgres', 'pglite'] });
});
