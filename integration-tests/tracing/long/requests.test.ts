import { describe } from 'vitest';
import { tracesOfServed } from '../served-requests.js';

describe.each(['Express 4', 'Nest on Fastify'])('the trace of a request of %s', (framework) => {
  tracesOfServed(framework);
});
