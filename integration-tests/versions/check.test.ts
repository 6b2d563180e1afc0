import {
  CancelledError,
  type CheckedRun,
  type Perdure,
  queue,
  receive,
  step,
  type Workflow,
  workflow,
} from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases, type TestDatabase } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { holdingAStatement } from '../support/holding-a-statement.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';

const begun: string[] = [];
const noted = (name: string) => step(name, async () => void begun.push(name));
const [a, b, c] = [noted('a'), noted('b'), noted('c')];

type Checked = Workflow<[], string>;
const build = (version: string, fn: () => Promise<string>): Checked => workflow('checked', fn, { version });
const one = build('1', async () => {
  await a();
  await receive('go');
  await b();
  return '1';
});
const longer = build('2', async () => {
  await a();
  await receive('go');
  await b();
  await c();
  return '2';
});
const other = build('3', async () => {
  await c();
  await a();
  return '3';
});
const shorter = build('4', async () => '4');
const throwing = async (): Promise<string> => {
  await a();
  throw new RangeError('no such field');
};
const failing = build('5', throwing);
const retrying = workflow('checked', throwing, { version: '7', retries: 3 });
const idle = build('6', async () => {
  await new Promise(() => {});
  return '6';
});

describe.each(databases)('a check on $name', ({ open }) => {
  it('says of each unfinished run whether a build can go on with it, and does nothing else', async () => {
    const test = await freshDatabase(open);
    queue('closed');
    const gone = workflow('gone', async () => await receive('go'));
    const engine = await launchEngine(test, { workflows: [one, gone], poll, queues: [] });
    await one.with({ engine, workflowId: 'running' }).start();
    await one.with({ engine, workflowId: 'queued', queue: 'closed' }).start();
    await gone.with({ engine, workflowId: 'gone' }).start();
    await one.with({ engine, workflowId: 'over' }).start();
    await engine.send('over', 'go', null);
    await engine.run('over').result();
    await recorded(test, 'running', 1);

    const database = countingDatabase(test.database);
    const client = await connectClient({ ...test, database });
    await client.workflow('checked').with({ workflowId: 'by name', queue: 'closed' }).start();
    const [bodies, statements] = [begun.length, database.sent.length];
    const found = await all(client.check({ workflows: [longer] }));
    expect(found.map(({ workflowId, verdict, version }) => [workflowId, verdict, version])).toEqual([
      ['by name', 'compatible', null],
      ['gone', 'needs-old-code', gone.definition.version],
      ['queued', 'compatible', '1'],
      ['running', 'compatible', '1'],
    ]);
    expect(found.every(({ isAdopted }) => !isAdopted)).toBe(true);
    const differing = await Promise.all(
      [other, shorter, failing, retrying, idle].map(async (changed) => {
        const checked = (await all(client.check({ workflows: [changed] }))).find((run) => run.workflowId === 'running');
        return [checked?.verdict, checked?.checkedWith, checked?.step, checked?.reason] as const;
      }),
    );
    expect(differing).toEqual([
      ['diverges', '3', 0, expect.stringMatching(/at call #0[^]*recorded .*: step "a"[^]*now .*: step "c"/)],
      ['diverges', '4', 0, expect.stringMatching(/at its end[^]*not asked for: #0 step "a"/)],
      [
        'diverges',
        '5',
        null,
        expect.stringMatching(/fails where the run is still under way: RangeError: no such field/),
      ],
      [
        'diverges',
        '7',
        null,
        expect.stringMatching(/fails where the run is still under way: RangeError: no such field/),
      ],
      ['diverges', '6', null, expect.stringMatching(/does not get to the end of its history/)],
    ]);
    expect(begun.length).toBe(bodies);
    const sent = new Set(database.sent.slice(statements).map(({ name }) => name.replace(/^perdure_[^_]+_/, '')));
    expect(
      [...sent].filter((name) => !/^(unfinished_runs_(?!adopt)|runs_load_histories|notifications_notify)/.test(name)),
    ).toEqual([]);
  });

  it('misses no run that is put aside while it reads, and tells of none twice', async () => {
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [one], poll });
    for (const workflowId of ['first', 'second']) {
      await one.with({ engine, workflowId }).start();
      await recorded(test, workflowId, 1);
    }
    const { database, close, held, open: letGo } = holdingAStatement(test.database, /unfinished_runs_owned/);
    const client = await connectClient({ ...test, database });
    close();
    const found = all(client.check({ workflows: [longer] }));
    await held;
    await engine.shutdown();
    letGo();
    expect((await found).map(({ workflowId, verdict }) => [workflowId, verdict])).toEqual([
      ['first', 'compatible'],
      ['second', 'compatible'],
    ]);
  });

  it('lets the compatible runs be adopted, exactly those, and only those that nobody executes', async () => {
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [one], poll });
    await one.with({ engine: first, workflowId: 'begun' }).start();
    await recorded(test, 'begun', 1);
    const client = await connectClient(test);
    expect((await all(client.check({ workflows: [longer], adopt: 'compatible' })))[0]?.isAdopted).toBe(false);
    await first.shutdown();
    const wrong = await all(client.check({ workflows: [other], adopt: 'compatible' }));
    expect(wrong.map(({ verdict, isAdopted }) => [verdict, isAdopted])).toEqual([['diverges', false]]);
    expect((await client.run('begun').status()).version).toBe('1');
    const right = await all(client.check({ workflows: [longer], adopt: 'compatible' }));
    expect(right.map(({ verdict, isAdopted }) => [verdict, isAdopted])).toEqual([['compatible', true]]);
    const second = await launchEngine(test, { workflows: [longer], poll });
    await second.send('begun', 'go', null);
    expect(await second.run('begun').result()).toBe('2');
  });

  it('is what an engine goes by that adopts what fits its code, and leaves the rest to the old code', async () => {
    const test = await freshDatabase(open);
    const [before, after] = [mixed('1'), mixed('2')];
    const first = await launchEngine(test, { workflows: [before], poll });
    for (const id of ['fits', 'differs']) await before.with({ engine: first, workflowId: id }).start(id);
    await Promise.all([recorded(test, 'fits', 1), recorded(test, 'differs', 1)]);
    await first.shutdown();
    const second = await launchEngine(test, { workflows: [after], poll: '100ms', adopt: 'compatible' });
    await second.send('fits', 'go', null);
    expect(await second.run('fits').result()).toBe('2');
    await expect.poll(() => second.health().reasons.map(({ code }) => code)).toContain('runs-stranded');
    expect((await second.versions.stranded())[0]).toMatchObject({ version: '1', workflowIds: ['differs'] });
    await launchEngine(test, { workflows: [before], poll });
    await second.send('differs', 'go', null);
    expect(await second.run('differs').result()).toBe('1');
  });

  it('lets a run be adopted that was cancelled with a child under way when nobody had its code', async () => {
    const test = await freshDatabase(open);
    const child = workflow('child', async () => await receive('go'), { version: '1' });
    const parent = (version: string) =>
      workflow(
        'parent',
        async () => {
          await a();
          await child.with({ workflowId: 'child' }).start();
          await receive('go');
        },
        { version, onCancel: 'throw' },
      );
    const [before, after] = [parent('1'), parent('2')];
    const first = await launchEngine(test, { workflows: [before, child], poll });
    await before.with({ engine: first, workflowId: 'parent' }).start();
    await recorded(test, 'parent', 2);
    await first.shutdown();
    const client = await connectClient(test);
    await client.run('parent').cancel();
    expect((await client.run('parent').status()).status).not.toBe('cancelled');
    await launchEngine(test, { workflows: [after, child], poll: '100ms', adopt: 'compatible' });
    await expect(client.run('parent').result()).rejects.toThrow(CancelledError);
    await expect(client.run('child').result()).rejects.toThrow(CancelledError);
  });

  it('has each run once, over many pages', async () => {
    const test = await freshDatabase(open);
    queue('closed');
    const client = await connectedTo(await launchEngine(test, { workflows: [], poll, queues: [] }), test);
    const named = client.workflow('checked');
    const ids = Array.from({ length: 600 }, (_, no) => `run ${no}`);
    await Promise.all(
      ids.flatMap((workflowId) => [
        named.with({ workflowId }).start(),
        named.with({ workflowId: `${workflowId} in line`, queue: 'closed' }).start(),
      ]),
    );
    const found = (await all(client.check({ workflows: [one] }))).map(({ workflowId }) => workflowId);
    expect(found).toEqual(ids.flatMap((id) => [id, `${id} in line`]).toSorted());
  });
});

/** Two builds of a workflow that differ for some of its inputs only. */
function mixed(version: string): Workflow<[string], string> {
  return workflow(
    'mixed',
    async (input: string) => {
      await (version === '1' || input === 'fits' ? a() : c());
      await receive('go');
      return version;
    },
    { version },
  );
}

async function all(checked: AsyncIterable<CheckedRun>): Promise<CheckedRun[]> {
  const found: CheckedRun[] = [];
  for await (const run of checked) found.push(run);
  return found.toSorted((one, two) => (one.workflowId < two.workflowId ? -1 : 1));
}

/** Waits until a run has so many checkpoints. */
async function recorded(test: TestDatabase, workflowId: string, count: number): Promise<void> {
  const text = `select count(*)::int4 as count from "${test.schema}".checkpoints where workflow_id = $1::text`;
  const counted = async () =>
    (await test.database.query<{ count: number }>({ name: `test_${test.schema}`, text, values: [workflowId] }))[0]
      ?.count;
  await expect.poll(counted).toBe(count);
}

async function connectedTo(_: Perdure, test: TestDatabase) {
  return await connectClient(test);
}
