import { trace } from '@opentelemetry/api';
import { type Sampler, SamplingDecision, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { currentRun, type Logger, queue, receive, send, sleep, step, workflow } from '@perdure/core';
import { expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

/** A span processor that throws when spans of these names start, or end. */
function throwing(moment: 'onStart' | 'onEnd', names: RegExp): SpanProcessor {
  const refuse = ({ name }: { readonly name: string }): void => {
    if (names.test(name)) throw new Error('processor');
  };
  return {
    onStart: moment === 'onStart' ? refuse : () => {},
    onEnd: moment === 'onEnd' ? refuse : () => {},
    forceFlush: async () => {},
    shutdown: async () => {},
  };
}

const ofRuns = /^(start|run|execute|step|sleep|send|receive|await|cancel)\b/;

const throwingSampler: Sampler = {
  shouldSample: (_context, _traceId, name) => {
    if (ofRuns.test(name)) throw new Error('sampler');
    return { decision: SamplingDecision.RECORD_AND_SAMPLED };
  },
  toString: () => 'throwing',
};

/** A logger that keeps what it was warned of. */
function warnings(): { readonly logger: Logger; readonly told: string[] } {
  const told: string[] = [];
  const nothing = (): void => {};
  return {
    logger: { debug: nothing, info: nothing, warn: (_, message) => void told.push(message), error: nothing },
    told,
  };
}

it.each([
  ['a processor throws at the start of spans', { processor: throwing('onStart', ofRuns) }],
  ['a processor throws at the end of spans', { processor: throwing('onEnd', ofRuns) }],
  ['a sampler throws', { sampler: throwingSampler }],
])('runs succeed and callers hear of it where %s, and it is said once', async (_, options) => {
  await RegisteredSdk.create({ level: 'otel', ...options });
  const { logger, told } = warnings();
  const line = queue('line');
  const child = workflow('child', async () => await receive<number>('number'));
  const work = workflow('work', async () => {
    const again = await step.run('again', tryTwice, { retries: 1, backoff: { initial: 1 } });
    await sleep(1);
    const run = await child.with({ queue: line, workflowId: 'child' }).start();
    await send('child', 'number', 2);
    return [again, await run.result()];
  });
  const lost = workflow('lost', async () => await receive('never'));
  const test = await freshDatabase(open);
  const perdure = await launchEngine(test, { workflows: [work, child, lost], logger });
  expect(await inRequest('POST /orders', () => work.with({ engine: perdure })())).toEqual([2, 2]);
  const run = await lost.with({ engine: perdure }).start();
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
  expect(told.filter((message) => message.startsWith('OpenTelemetry failed'))).toHaveLength(1);
});

function tryTwice(): number | undefined {
  const attempt = currentRun()?.step?.attempt;
  if (attempt === 1) throw new TypeError('again');
  return attempt;
}

it('what would hang on a span that an SDK could not make hangs on the one above it', async () => {
  const sdk = await RegisteredSdk.create({ processor: throwing('onStart', /^(start work|step first|send topic)$/) });
  const work = workflow('work', async () => {
    await step.run('first', () => inRequest('inner', async () => 1));
    await receive('topic');
  });
  const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
  await inRequest('POST /orders', () => work.with({ engine: perdure, workflowId: 'w' }).start());
  await perdure.send('w', 'topic', 1);
  await perdure.run('w').result();
  await expect.poll(() => sdk.named('execute work')).toHaveLength(1);
  const [request] = await sdk.named('POST /orders');
  const [run] = await sdk.named('run work');
  const [inner] = await sdk.named('inner');
  const [received] = await sdk.named('receive topic');
  expect([run!.parentSpanId, inner!.parentSpanId]).toEqual([request!.spanId, run!.spanId]);
  expect(received!.links).toEqual([]);
  expect(await sdk.view()).toMatchObject({ traces: 1, orphans: [] });
});

it('the active span of a step is the one of the SDK, of which its other parts ask more than the API has', async () => {
  await RegisteredSdk.create();
  const work = workflow('work', () => step.run('first', () => 'attributes' in trace.getActiveSpan()!));
  const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
  expect(await work.with({ engine: perdure })()).toBe(true);
});
