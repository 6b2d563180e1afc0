import { expect, inject, it, onTestFinished } from 'vitest';
import { send } from '../http/http-client.js';
import { eventually } from '../recovery/eventually.js';
import { jaegerView } from '../tracing/jaeger-rules.js';
import { TracedCluster } from '../tracing/traced-cluster.js';
import type { ModeOptions } from './app/src/modes.js';
import { startNext } from './next-process.js';

/** Next serves the request, and other processes execute the run. */
export function tracesOfNext(): void {
  it('is one through a queue, a kill on another host, and a child on a third', async () => {
    const cluster = await TracedCluster.create({});
    const mode: ModeOptions = { url: inject('postgresUrl'), schema: cluster.schema, worker: 'external' };
    const [next, b] = await Promise.all([
      startNext({ WORKER: JSON.stringify(mode), COLLECTOR: cluster.receiver.url }),
      cluster.launch('B', { host: 'second', queues: ['next'], gates: ['charge'] }),
    ]);
    onTestFinished(() => next.kill());
    const answer = send(`${next.app}/orders`, { key: '"a"', body: '"lamp"' });
    await b.reaches('charge');
    await Promise.all([b.kill(), cluster.launch('C', { host: 'third', queues: ['next', 'shipping'] })]);
    expect((await answer).json).toBe('lamp shipped');
    await cluster.finish();
    const isOfOrder = ({ attributes }: (typeof cluster.spans)[number]): boolean =>
      attributes['perdure.workflow.id'] !== undefined;
    // The request's own spans end after the answer, and are sent within a second.
    const trace = await eventually('the trace is whole', () => {
      const traceIds = new Set(cluster.spans.filter(isOfOrder).map(({ traceId }) => traceId));
      const spans = cluster.spans.filter(({ traceId }) => traceIds.has(traceId));
      return spans.some(({ parentSpanId }) => parentSpanId === null) ? spans : undefined;
    });
    expect(jaegerView(trace)).toEqual({
      traces: 1,
      roots: ['POST /modes/orders'],
      orphans: [],
      incomplete: [],
      duplicates: [],
      skewed: [],
    });
    const instances = new Set(trace.map(({ resource }) => resource['service.instance.id']));
    expect(instances).toEqual(new Set(['Next', 'B', 'C']));
    const attempts = trace.filter(({ name }) => name === 'run modes: place');
    expect(attempts.map(({ attributes }) => attributes['perdure.attempt'])).toEqual([1, 2]);
    expect(trace.filter(({ name }) => name === 'run ship')).toHaveLength(1);
  });
}
