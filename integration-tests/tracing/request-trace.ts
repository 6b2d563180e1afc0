import { send } from '../http/http-client.js';
import { eventually } from '../recovery/eventually.js';
import { jaegerView, type JaegerView } from './jaeger-rules.js';
import { TracedCluster } from './traced-cluster.js';

/** A process that takes orders over HTTP, and leaves them to others. */
export interface Front {
  /** Its `service.instance.id`. */
  readonly label: string;
  /** What it enqueues for an order, and where. */
  readonly workflow: string;
  readonly queue: string;
  /** How the span of a request is named there. */
  readonly request: string;
  /** What a lamp is ordered with. */
  readonly body: unknown;
  /** Answers with where orders are sent. */
  start(cluster: TracedCluster): Promise<string>;
}

/** What is left of a request. */
interface RequestTrace {
  readonly answer: unknown;
  readonly view: JaegerView;
  /** The processes that it shows. */
  readonly instances: ReadonlySet<unknown>;
  readonly attempts: readonly unknown[];
  readonly children: number;
}

/**
 * Orders a lamp: the run that the request starts is begun by a process on another host, which is killed, and ended by a
 * process on a third, which executes its child, too.
 */
export async function traceOfRequest(front: Front): Promise<RequestTrace> {
  const cluster = await TracedCluster.create({});
  const [orders, b] = await Promise.all([
    front.start(cluster),
    cluster.launch('B', { host: 'second', queues: [front.queue], gates: ['charge'] }),
  ]);
  const answer = send(orders, { key: '"a"', body: front.body });
  await b.reaches('charge');
  await Promise.all([b.kill(), cluster.launch('C', { host: 'third', queues: [front.queue, 'shipping'] })]);
  const { json } = await answer;
  await cluster.finish();
  // The request's own spans end after the answer, and are sent within a second.
  const trace = await eventually('the trace is whole', () => {
    const ofRuns = cluster.spans.filter(({ attributes }) => attributes['perdure.workflow.id'] !== undefined);
    const traceIds = new Set(ofRuns.map(({ traceId }) => traceId));
    const spans = cluster.spans.filter(({ traceId }) => traceIds.has(traceId));
    return spans.some(({ parentSpanId }) => parentSpanId === null) ? spans : undefined;
  });
  const attempts = trace.filter(({ name }) => name === `run ${front.workflow}`);
  return {
    answer: json,
    view: jaegerView(trace),
    instances: new Set(trace.map(({ resource }) => resource['service.instance.id'])),
    attempts: attempts.map(({ attributes }) => attributes['perdure.attempt']),
    children: trace.filter(({ name }) => name === 'run ship').length,
  };
}

/** What {@link traceOfRequest} is to be. */
export const wholeTrace = ({ label, request }: Front): RequestTrace => ({
  answer: 'lamp shipped',
  view: { traces: 1, roots: [request], orphans: [], incomplete: [], duplicates: [], skewed: [] },
  instances: new Set([label, 'B', 'C']),
  attempts: [1, 2],
  children: 1,
});
