import { describe } from 'vitest';
import { tracesOfServed } from './served-requests.js';

// Each has processes of its own, which take seconds to start, and more on a busy machine. The others are in `long`.
describe.each(['Express 5', 'Nest on Express'])('the trace of a request of %s', { timeout: 90_000 }, (framework) => {
  tracesOfServed(framework);
});
