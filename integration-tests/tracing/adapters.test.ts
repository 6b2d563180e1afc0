import { trace } from '@opentelemetry/api';
import { step, workflow } from '@perdure/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Framework, frameworks } from '../http/frameworks.js';
import { send } from '../http/http-client.js';
import { nestFrameworks } from '../http/nest-framework.js';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { instrumentServers } from './instrumented-servers.js';
import type { ReceivedSpan } from './received-span.js';
import { RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

const parentOf = (spans: readonly ReceivedSpan[], span: ReceivedSpan): string | undefined =>
  spans.find(({ spanId }) => spanId === span.parentSpanId)?.name;

describe.each<Framework>([...frameworks, ...nestFrameworks])('a request of $name', ({ start }) => {
  it('has the run below its own span, which says what became of it', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    onTestFinished(instrumentServers());
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
    await expect.poll(() => sdk.open.size).toBe(0);
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
