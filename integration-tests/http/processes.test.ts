import { describe } from 'vitest';
import { processConformance } from './conformance/processes.js';
import { expressShop, nestShop } from './shop-process.js';

const frameworks = [
  expressShop('Express 4'),
  expressShop('Express 5'),
  nestShop('Nest on Express'),
  nestShop('Nest on Fastify'),
];

describe.each(frameworks)('a process with $name', (framework) => {
  processConformance(framework);
});
