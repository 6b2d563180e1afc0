import { Server } from 'node:http';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { step, workflow } from '@perdure/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Framework, frameworks } from '../http/frameworks.js';
import { send } from '../http/http-client.js';
import { nestFrameworks } from '../http/nest-framework.js';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, patient } from '../support/engines.js';
import type { ReceivedSpan } from './received-span.js';
import { RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

type Emit = (this: Server, event: string, ...args: unknown[]) => boolean;

/** Gives each request a span of its own, in the way of OpenTelemetry's instrumentation of `http`. */
function instrumentServers(): void {
  const prototype = Server.prototype as unknown as { emit: Emit };
  const { emit } = prototype;
  prototype.emit = function (event, ...args) {
    const [request, response] = args as [{ method: string; url: string; headers: object }, { once: Server['once'] }];
    if (event !== 'request' || request.url === '/v1/traces') return emit.call(this, event, ...args);
    const parent = propagation.extract(context.active(), request.headers);
    const span = trace.getTracer('http').startSpan(request.method, { kind: SpanKind.SERVER }, parent);
    response.once('close', () => span.end());
    const inRequest = trace.setSpan(parent, span);
    for (const emitter of args) context.bind(inRequest, emitter);
    return context.with(inRequest, () => emit.call(this, event, ...args));
  };
  onTestFinished(() => {
    prototype.emit = emit;
  });
}

const parentOf = (spans: readonly ReceivedSpan[], span: ReceivedSpan): string | undefined =>
  spans.find(({ spanId }) => spanId === span.parentSpanId)?.name;

describe.each<Framework>([...frameworks, ...nestFrameworks])('a request of $name', ({ start }) => {
  it('has the run below its own span, which says what became of it', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    instrumentServers();
    const work = workflow('work', (name: string) => step.run('greet', () => `hello ${name}`));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    const app = await start(perdure, [
      { kind: 'durable', path: '/durable', workflow: work, input: () => 'you' },
      {
        kind: 'idempotent',
        path: '/plain',
        handler: () => {
          trace.getTracer('own').startSpan('handled').end();
          return { status: 200, body: 'done' };
        },
      },
    ]);
    onTestFinished(() => app.abandon());
    const sent = { headers: { 'idempotency-key': '"one"', 'content-type': 'application/json' }, body: '{}' };
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await send(`${app.url}/durable`, { ...sent, headers: { ...sent.headers, traceparent } });
    await send(`${app.url}/durable`, sent);
    await send(`${app.url}/plain`, sent);
    await expect.poll(() => sdk.open.size, patient).toBe(0);
    const spans = await sdk.spans();
    const requests = spans.filter(({ kind }) => kind === 'SERVER');
    expect(requests.map(({ attributes }) => attributes['perdure.request.outcome'])).toEqual([
      'executed',
      'replayed',
      'executed',
    ]);
    expect(requests.map(({ attributes }) => typeof attributes['perdure.workflow.id'])).toEqual(Array(3).fill('string'));
    const [first, second] = spans.filter(({ name }) => name === 'start work');
    expect([first!.traceId, first!.attributes['perdure.start.kind']]).toEqual([traceparent.slice(3, 35), 'inline']);
    expect(parentOf(spans, first!)).toBe('POST');
    expect(second!.attributes['perdure.deduplicated']).toBe(true);
    expect(
      parentOf(
        spans,
        spans.find(({ name }) => name === 'handled')!,
      ),
    ).toBe('POST');
    expect((await sdk.view()).orphans).toEqual(['POST']);
  });
});
