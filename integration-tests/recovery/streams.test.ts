import { PerdureClient, readStream, type StreamItem } from '@perdure/core';
import { expect, it, onTestFinished } from 'vitest';
import { laneOptions } from '../support/lanes.js';
import { Cluster } from './cluster.js';
import { eventually } from './eventually.js';

it(
  'lets readers in another process see each offset once although the process that writes is killed',
  { timeout: 90_000 },
  async () => {
    const values = 200;
    const cluster = await Cluster.create();
    const [a] = await Promise.all([cluster.launch('A'), cluster.launch('B')]);
    const workflowIds = ['run-0', 'run-1', 'run-2', 'run-3'];
    await a.start(...workflowIds.map((workflowId) => ({ workflow: 'streaming' as const, workflowId, args: [values] })));
    const client = await PerdureClient.connect({ databaseUrl: cluster.url, schema: cluster.schema, ...laneOptions });
    onTestFinished(() => client.close());

    const readers = workflowIds.flatMap((workflowId) =>
      [read, readInParts].map((reading) => {
        const items: Items = [];
        return { items, ended: reading(client, workflowId, items) };
      }),
    );
    // Two parts, and of the third what is durable when the step comes to its gate.
    const countAtGate = 2 * (1 + values) + 1 + values / 2 + 1;
    await eventually('the readers are at the gate', () => readers.every(({ items }) => items.length === countAtGate));
    await a.kill();
    cluster.open('middle');

    const numbers = Array.from({ length: values }, (_, n) => n);
    const expected = [0, 1, 2, 3, 4].flatMap((part) => [`part ${part}`, ...numbers.map((n) => `${part}.${n}`)]);
    for (const { items, ended } of readers) {
      await ended;
      expect(items.map(({ offset }) => offset)).toEqual(items.map((_, no) => no));
      expect(items.filter(({ kind }) => kind === 'rollback')).toHaveLength(1);
      expect(kept(items)).toEqual(expected);
    }
    for (const workflowId of workflowIds) {
      const late: Items = [];
      await read(client, workflowId, late);
      expect(kept(late)).toEqual(expected);
    }
  },
);

type Items = StreamItem<string>[];

async function read(engine: PerdureClient, workflowId: string, items: Items): Promise<void> {
  for await (const item of readStream<string>(workflowId, 'out', { engine })) items.push(item);
}

/** Comes back again and again, as a browser does whose connection breaks. */
async function readInParts(engine: PerdureClient, workflowId: string, items: Items): Promise<void> {
  for (let count = 97; count === 97;) {
    count = 0;
    for await (const item of readStream<string>(workflowId, 'out', { engine, from: items.length })) {
      items.push(item);
      count += 1;
      if (count === 97) break;
    }
  }
}

function kept(items: Items): string[] {
  const found = new Map<number, string>();
  for (const item of items) {
    if (item.kind === 'value') found.set(item.offset, item.value);
    else for (const { first, last } of item.discarded) for (let no = first; no <= last; no += 1) found.delete(no);
  }
  return [...found.values()];
}
