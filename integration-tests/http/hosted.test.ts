import { randomUUID } from 'node:crypto';
import { type Perdure, queue, workflow } from '@perdure/core';
import { HostedHttp, httpWorkflows } from '@perdure/http';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';

const { open } = databases[0]!;

describe('where what requests start waits for other processes', () => {
  it.each(['idempotent', 'bound'] as const)('so do the workflows that a handler starts: %s', async (kind) => {
    const test = await freshDatabase(open);
    queue('elsewhere');
    const place = workflow('hosted: place', async (sku: string) => sku);
    const here = await launchEngine(test, { workflows: httpWorkflows(), queues: [] });
    const other = await launchEngine(
      { ...test, database: await test.reopen() },
      { workflows: [place], queues: ['elsewhere'] },
    );
    const launch = (): Promise<Perdure> => Promise.resolve(here);
    const hosting = { name: randomUUID(), launch, queue: 'elsewhere', sliceMs: 1_000, after: null };
    const byName = here.workflow<typeof place>('hosted: place');
    const route = new HostedHttp(hosting, {}).handler((http) =>
      http[kind](async () => Response.json([await place('by function'), await byName('by name')])),
    );
    const headers = { 'idempotency-key': '"k"' };
    const answer = await route(new Request('http://host/orders', { method: 'POST', headers }));
    expect(await answer.json()).toEqual(['by function', 'by name']);
    const { runs } = await here.runs.list({ name: 'hosted: place' });
    expect(runs.map(({ queue, executorId }) => [queue, executorId])).toEqual([
      ['elsewhere', other.executorId],
      ['elsewhere', other.executorId],
    ]);
  });
});
