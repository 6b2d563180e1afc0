import { randomUUID } from 'node:crypto';
import { runInThisContext } from 'node:vm';
import { queue, type Workflow, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';

/** A workflow as a bundler leaves it in one of its files. */
function bundled(name: string, file: string, source: string): Workflow<[], string> {
  const define = runInThisContext(`(workflow, name) => workflow(name, ${source})`, {
    filename: `/app/.next/server/chunks/${file}.js`,
  }) as (define: typeof workflow, name: string) => Workflow<[], string>;
  return define(workflow, name);
}

describe.each(databases)('copies of a workflow that a bundler made, on $name', ({ open }) => {
  const sources = ['async () => "first"', 'async () => { return "second" }', 'async()=>"third"'];
  const copiesOf = (name: string) => sources.map((source, no) => bundled(name, `${no}`, source));
  const outcomes = ['first', 'second', 'third'];

  it('are executed each as the one that was started, by whichever process takes the run', async () => {
    const test = await freshDatabase(open);
    queue('narrow', { concurrency: 1 });
    const copies = copiesOf(`copies ${randomUUID()}`);
    await launchEngine(test, { workflows: [] });
    const client = await connectClient(test);
    const runs = await Promise.all(
      [undefined, 'narrow'].flatMap((queueName) =>
        copies.map((copy) =>
          copy.with({ engine: client, ...(queueName === undefined ? {} : { queue: queueName }) }).start(),
        ),
      ),
    );
    await launchEngine(test, { poll });
    const found = await Promise.all(runs.map(async ({ workflowId }) => await client.run(workflowId).result()));
    expect(found).toEqual([...outcomes, ...outcomes]);
    const versions = await Promise.all(
      runs.map(async ({ workflowId }) => (await client.run(workflowId).status()).version),
    );
    expect(versions).toEqual([...copies, ...copies].map(({ definition }) => definition.version));
  });

  it('give a run that was started by name the version that was defined last', async () => {
    const test = await freshDatabase(open);
    queue('narrow', { concurrency: 1 });
    const name = `copies ${randomUUID()}`;
    copiesOf(name);
    await launchEngine(test, { poll });
    const client = await connectClient(test, { database: await test.reopen() });
    const byName = client.workflow(name);
    expect(await Promise.all([byName(), byName.with({ queue: 'narrow' })()])).toEqual(['third', 'third']);
  });
});
