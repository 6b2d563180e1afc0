import { expect, it } from 'vitest';
import { type Front, traceOfRequest, wholeTrace } from './request-trace.js';

/** A framework in a process of its own serves the request, and other processes execute the run. */
export function tracesOfServed(framework: string): void {
  it('is one through a queue, a kill on another host, and a child on a third', async () => {
    const front: Front = {
      label: 'A',
      workflow: 'checkout',
      queue: 'orders',
      request: 'POST',
      body: { sku: 'lamp' },
      // Only one process is to be found dead, however slow the machine is.
      start: async (cluster) => (await cluster.launch('A', { host: 'first', framework, leaseMs: 15_000 })).orders,
    };
    expect(await traceOfRequest(front)).toEqual(wholeTrace(front));
  });
}
