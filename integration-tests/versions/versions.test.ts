import { createHash } from 'node:crypto';
import { runInThisContext } from 'node:vm';
import { queue, receive, step, workflow } from '@perdure/core';
import type { Database, Row, Statement } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { gate } from '../support/gate.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { passOn } from '../support/pass-on.js';

/** A build of a workflow, which says which version it is once it is let go. */
const build = (version: string) =>
  workflow(
    'versioned',
    async (waits?: unknown) => {
      await step.run('begin', () => version);
      if (waits === true) await receive('go');
      return version;
    },
    { version },
  );
const [one, two, three] = [build('1'), build('2'), build('3')];

describe.each(databases)('versions on $name', ({ open }) => {
  it('can be promoted as soon as their process is launched, before it can claim', async () => {
    const test = await freshDatabase(open);
    const launched = gate();
    let isRegistered = false;
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        // Claims begin with the declaration of queues that are new.
        if (isRegistered && statement.name.endsWith('queues_declare')) await launched.opened;
        if (statement.name.endsWith('executors_register')) {
          isRegistered = true;
          queue('declared while it is launched');
        }
        return await test.database.query<R>(statement);
      },
    };
    await launchEngine({ ...test, database }, { workflows: [one], poll });
    try {
      await (await connectClient(test)).versions.promote('versioned', '1');
    } finally {
      launched.open();
    }
    expect(isRegistered).toBe(true);
  });

  it('that are promoted take all that is started by name, until they are rolled back', async () => {
    const test = await freshDatabase(open);
    queue('versioned');
    const first = await launchEngine(test, { workflows: [one], poll });
    const second = await launchEngine(test, { workflows: [two], poll });
    const client = await connectClient(test);
    await second.schedules.set('versioned', { timing: { every: '1d' }, workflow: two });
    await expect.poll(async () => (await client.versions.list()).length).toBe(2);

    const startedByName = async (): Promise<Set<unknown>> => {
      const named = [client, first, second].map((engine) => engine.workflow('versioned').with({ engine }));
      const runs = await Promise.all([
        ...named.flatMap((workflowByName) => [
          workflowByName.start(),
          workflowByName.with({ queue: 'versioned' }).start(),
        ]),
        second.schedules.trigger('versioned').then((workflowId) => ({ workflowId })),
      ]);
      return new Set(await Promise.all(runs.map(async ({ workflowId }) => await client.run(workflowId).result())));
    };
    for (const version of ['1', '2', '1']) {
      await first.versions.promote('versioned', version);
      // In its process the other engine hears of it a moment later.
      await second.versions.promote('versioned', version);
      expect(await startedByName()).toEqual(new Set([version]));
      const promoted = (await client.versions.list({ workflow: 'versioned' })).filter(({ isPromoted }) => isPromoted);
      expect(promoted.map((info) => info.version)).toEqual([version]);
    }
    expect(await client.versions.rollBack('versioned')).toBe('2');
    for (const perdure of [first, second]) await perdure.versions.promote('versioned', '2');
    expect(await startedByName()).toEqual(new Set(['2']));
    expect(await client.versions.rollBack('versioned')).toBeNull();
    await expect(client.versions.rollBack('versioned')).rejects.toMatchObject({ code: 'PERDURE_VERSION_NOT_FOUND' });
    await expect(client.versions.promote('versioned', '4')).rejects.toMatchObject({
      code: 'PERDURE_VERSION_NOT_FOUND',
      data: { workflow: 'versioned', version: '4' },
    });
    // What code starts by calling its workflow is of that code.
    expect(await Promise.all([one.with({ engine: first })(), two.with({ engine: second })()])).toEqual(['1', '2']);
  });

  it('is given its runs only, and another version neither recovers them nor takes them from a queue', async () => {
    const test = await freshDatabase(open);
    queue('versioned');
    const first = await launchEngine(test, { workflows: [one], poll, queues: [] });
    const begun = await one.with({ engine: first }).start(true);
    const queued = await one.with({ engine: first, queue: 'versioned' }).start();
    await first.shutdown();
    const second = await launchEngine(test, { workflows: [two], poll });
    // Later ones overtake those that it may not take.
    expect(await two.with({ engine: second, queue: 'versioned' })()).toBe('2');
    expect(await second.workflow('versioned')()).toBe('2');
    const status = async ({ workflowId }: { workflowId: string }) => (await second.run(workflowId).status()).status;
    expect([await status(begun), await status(queued)]).toEqual(['enqueued', 'enqueued']);
    await launchEngine(test, { workflows: [one], poll });
    await second.send(begun.workflowId, 'go', null);
    const results = [begun, queued].map(({ workflowId }) => second.run(workflowId).result());
    expect(await Promise.all(results)).toEqual(['1', '1']);
  });

  it('is the same in each process and after each restart, where none is given, and another one for other code', () => {
    const source = 'async () => 1';
    const versionOf = (code: string): string =>
      workflow('fingerprinted', runInThisContext(code) as () => Promise<unknown>).definition.version;
    expect(versionOf(source)).toBe(versionOf(source));
    expect(versionOf(source)).toBe(createHash('sha256').update(source).digest('hex').slice(0, 16));
    expect(versionOf('async () => 2')).not.toBe(versionOf(source));
  });

  it('of one workflow can be in one build, and each goes on with its own runs', async () => {
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [one], poll });
    const begun = await one.with({ engine: first }).start(true);
    await first.shutdown();
    const second = await launchEngine(test, { workflows: [one, two], poll });
    expect(await second.workflow('versioned')()).toBe('2');
    await second.send(begun.workflowId, 'go', null);
    expect(await second.run(begun.workflowId).result()).toBe('1');
  });

  it('are listed with the processes that have them and the runs that they have', async () => {
    const test = await freshDatabase(open);
    queue('closed');
    const client = async () => await connectClient(test, { database: await test.reopen() });
    const first = await launchEngine(test, { workflows: [one, three], poll, queues: [] });
    await launchEngine(test, { workflows: [two], poll, queues: [] });
    await one.with({ engine: first }).start(true);
    await three.with({ engine: first, queue: 'closed' }).start(true);
    const asked = await client();
    const listed = async () =>
      (await asked.versions.list()).map(({ version, executors, running, waiting }) => ({
        version,
        executors,
        running,
        waiting,
      }));
    await expect.poll(listed).toEqual(
      expect.arrayContaining([
        { version: '1', executors: 1, running: 1, waiting: 0 },
        { version: '2', executors: 1, running: 0, waiting: 0 },
        { version: '3', executors: 1, running: 0, waiting: 1 },
      ]),
    );
    await first.shutdown();
    await expect.poll(listed).toContainEqual({ version: '1', executors: 0, running: 0, waiting: 1 });
  });

  it('that no process has strand their runs, which is listed, logged and told by health, and holds up nothing', async () => {
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [one], poll });
    const { workflowId } = await one.with({ engine: first }).start(true);
    await first.shutdown();
    const logged: object[] = [];
    const logger = { ...silent, warn: (what: object, message: string) => logged.push({ ...what, message }) };
    const second = await launchEngine(test, { workflows: [two], poll: '100ms', logger });
    const reasons = () => second.health().reasons.filter(({ code }) => code === 'runs-stranded');
    await expect.poll(() => reasons().length).toBe(1);
    expect(second.health().status).toBe('degraded');
    expect(reasons()[0]?.message).toMatch(
      /1 run\(s\) of workflow "versioned" wait for version "1", which no process has/,
    );
    const stranded = { workflow: 'versioned', version: '1', runs: 1, workflowIds: [workflowId] };
    expect(await second.versions.stranded()).toEqual([stranded]);
    expect(logged.filter((line) => 'workflow' in line)).toEqual([
      {
        workflow: 'versioned',
        runs: 1,
        workflowIds: [workflowId],
        message: 'runs get no further: they wait for version "1", which no process has',
      },
    ]);
    expect(await two.with({ engine: second })()).toBe('2');
    await launchEngine(test, { workflows: [one], poll });
    await second.send(workflowId, 'go', null);
    expect(await second.run(workflowId).result()).toBe('1');
    await expect.poll(() => reasons().length).toBe(0);
  });

  it('that are promoted and that no process has strand what is started by name', async () => {
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [one], poll });
    await expect.poll(async () => (await first.versions.list()).length).toBe(1);
    await first.shutdown();
    const second = await launchEngine(test, { workflows: [two], poll });
    queue('versioned');
    await second.versions.promote('versioned', '1');
    const run = await second.workflow('versioned').start();
    const queued = await second.workflow('versioned').with({ queue: 'versioned' }).start();
    const [stranded, ...others] = await second.versions.stranded();
    expect(stranded).toMatchObject({ workflow: 'versioned', version: '1', runs: 2 });
    expect(stranded?.workflowIds.toSorted()).toEqual([run.workflowId, queued.workflowId].toSorted());
    expect(others).toEqual([]);
    await second.versions.rollBack('versioned');
    expect(await Promise.all([run.result(), queued.result()])).toEqual(['2', '2']);
  });

  it('are forgotten but for the last hundred, those that a process has, that are promoted late, or that runs wait for', async () => {
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [one], poll });
    await one.with({ engine: first, workflowId: 'stranded' }).start(true);
    await expect.poll(async () => (await first.runs.steps('stranded')).length).toBe(1);
    await first.shutdown();
    const versions = `"${test.schema}".versions`;
    await test.administer(`
      insert into ${versions} (workflow, version, first_seen_at)
      select 'versioned', 'old ' || n, now() - n * interval '1 day' from generate_series(1, 500) n;
      insert into ${versions} (workflow, version, first_seen_at) values ('other', 'old', now() - interval '1000 days');
      update ${versions} set first_seen_at = now() - interval '1000 days' where version = '1';
      update ${versions} set promoted_at = now() where version = 'old 400'`);
    const second = await launchEngine(test, { workflows: [two, three], poll });
    const listed = async () => (await second.versions.list()).map(({ workflow, version }) => `${workflow} ${version}`);
    const left = await listed();
    const used = ['versioned 1', 'versioned 2', 'versioned 3', 'versioned old 400', 'other old'];
    expect(left).toEqual(expect.arrayContaining([...used, 'versioned old 99']));
    expect(left).not.toContain('versioned old 100');
    expect(left).toHaveLength(used.length + 99);
  });
});

describe.each(databases.slice(0, 1))('a claim on $name', ({ open }) => {
  it('reads nothing of the runs that wait for versions that its process does not have, however many there are', async () => {
    const test = await freshDatabase(open);
    let claim: Statement | null = null;
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        if (statement.name.endsWith('claims_take')) claim = statement;
        return await test.database.query<R>(statement);
      },
    };
    await launchEngine({ ...test, database }, { workflows: [two], poll: '1h' });
    await expect.poll(() => claim).not.toBeNull();
    await test.administer(`
      insert into "${test.schema}".runs
        (workflow_id, name, version, detached, seed, created_at, state, attempt, available_at, wake_on, blocked_at)
      select 'stranded ' || n, 'versioned', '1', false, n, now(), (array['available', 'parked', 'blocked'])[1 + n % 3], 1,
        now() - interval '1 hour', case when n % 3 = 1 then '{}'::text[] end, now()
      from generate_series(1, 30000) n;
      insert into "${test.schema}".runs
        (workflow_id, name, version, detached, seed, created_at, state, attempt, available_at)
      select 'mine ' || n, 'versioned', '2', false, n, now(), 'available', 0, now() + interval '1 day'
      from generate_series(1, 10) n;
      analyze "${test.schema}".runs`);
    const { text, values } = claim!;
    const [row] = await test.database.query<{ 'QUERY PLAN': unknown }>({
      name: 'test_explain_claim',
      text: `explain (analyze, format json) ${text}`,
      values,
    });
    expect(rowsRead(row?.['QUERY PLAN'])).toBeLessThan(100);
  });
});

/** How many rows of the table of runs a plan has read. */
function rowsRead(plan: unknown): number {
  if (Array.isArray(plan)) return plan.reduce((sum: number, part) => sum + rowsRead(part), 0);
  if (typeof plan !== 'object' || plan === null) return 0;
  const node = plan as Record<string, unknown>;
  const read = ['Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Index Recheck'].map((key) =>
    Number(node[key] ?? 0),
  );
  const own = node['Relation Name'] === 'runs' && node['Node Type'] !== 'ModifyTable' ? read : [];
  return own.reduce((sum, rows) => sum + rows * Number(node['Actual Loops'] ?? 1), 0) + rowsRead(Object.values(node));
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
