import { workflow } from '@perdure/core';
import type { Row, Statement } from '@perdure/core/internal';
import { expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

it('who restarts, resumes or forks runs leaves a span with links to them', async () => {
  const sdk = await RegisteredSdk.create();
  const failing = workflow('failing', () => Promise.reject(new TypeError('no')));
  const test = await freshDatabase(open);
  const perdure = await launchEngine(test, { workflows: [failing] });
  const ids = ['a', 'b'];
  for (const workflowId of ids) {
    await expect(failing.with({ engine: perdure, workflowId })()).rejects.toThrow('no');
  }
  await perdure.shutdown();
  const client = await connectClient(test);
  await inRequest('POST /restart', () => client.runs.restart(ids));
  await client.workflow<typeof failing>('failing').with({ workflowId: 'd' }).start();
  await client.runs.cancel('d');
  await inRequest('POST /resume', () => client.runs.resume('d'));
  await inRequest('POST /fork', () => client.runs.fork('b', { workflowId: 'c' }));
  const starts = (await sdk.named('start failing')).map(({ traceId, spanId }) => ({ traceId, spanId }));
  const [restarted] = await sdk.named('restart');
  expect(restarted!.links).toHaveLength(2);
  expect(restarted!.links).toEqual(expect.arrayContaining(starts.slice(0, 2)));
  const [resumed] = await sdk.named('resume');
  expect(resumed).toMatchObject({ links: [starts[2]], attributes: { 'perdure.workflow.target_id': 'd' } });
  const [forked] = await sdk.named('fork failing');
  expect(forked).toMatchObject({
    links: [starts[1]],
    attributes: { 'perdure.workflow.target_id': 'b', 'perdure.workflow.id': 'c', 'perdure.workflow.name': 'failing' },
  });
  const parents = [restarted, resumed, forked].map((span) => span!.parentSpanId);
  const requests = await Promise.all(['POST /restart', 'POST /resume', 'POST /fork'].map((name) => sdk.named(name)));
  expect(parents).toEqual(requests.flat().map(({ spanId }) => spanId));
});

it('who restarts runs hears of it, though nobody can say how they are linked', async () => {
  await RegisteredSdk.create();
  const failing = workflow('failing', () => Promise.reject(new TypeError('no')));
  const test = await freshDatabase(open);
  const query = async <R extends Row>(statement: Statement) => {
    if (statement.name.endsWith('runs_find_traces')) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
    return await test.database.query<R>(statement);
  };
  const perdure = await launchEngine(
    { ...test, database: { ...passOn(test.database), query } },
    { workflows: [failing] },
  );
  await expect(failing.with({ engine: perdure, workflowId: 'a' })()).rejects.toThrow('no');
  expect(await perdure.runs.restart('a')).toMatchObject({ changed: ['a'] });
});
