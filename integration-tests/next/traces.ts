import { expect, inject, it, onTestFinished } from 'vitest';
import { type Front, traceOfRequest, wholeTrace } from '../tracing/request-trace.js';
import type { ModeOptions } from './app/src/modes.js';
import { startNext } from './next-process.js';

/** Next serves the request, and other processes execute the run. */
export function tracesOfNext(): void {
  it('is one through a queue, a kill on another host, and a child on a third', async () => {
    const front: Front = {
      label: 'Next',
      workflow: 'modes: place',
      queue: 'next',
      request: 'POST /modes/orders',
      body: '"lamp"',
      async start({ schema, receiver }) {
        const mode: ModeOptions = { url: inject('postgresUrl'), schema, worker: 'external' };
        const next = await startNext({ WORKER: JSON.stringify(mode), COLLECTOR: receiver.url });
        onTestFinished(() => next.kill());
        return `${next.app}/orders`;
      },
    };
    expect(await traceOfRequest(front)).toEqual(wholeTrace(front));
  });
}
