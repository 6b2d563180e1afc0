import { randomUUID } from 'node:crypto';
import { Perdure, step, workflow } from '@perdure/core';
import { type Database, crash, postgres } from '@perdure/core/internal';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type TestDatabase, databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { type Ledger, type Scenario, scenarios } from '../support/scenarios.js';
import type { Reply } from './conversation.js';
import { FaultProxy } from './fault-proxy.js';
import { everyCommit, everyNthWrite, firstSendOfEachWrite, oncePerName } from './lost-replies.js';

/** Those that wait for nothing but their steps, since these tests run in real time. */
const names = ['sequential', 'chains', 'race', 'pool', 'parent', 'interleaved'];
const { open } = databases.find(({ name }) => name === 'postgres')!;
let test: TestDatabase;
let proxy: FaultProxy;

beforeEach(async () => {
  test = await freshDatabase(open);
  proxy = await FaultProxy.start(test.url!);
  onTestFinished(() => proxy.close());
});

/** A database by way of the proxy. */
function proxied(): Database {
  const database = postgres({ url: proxy.url });
  onTestFinished(() => database.close());
  return database;
}

describe(
  'a workflow ends as if every reply had come, and each step runs and is recorded once',
  { timeout: 60_000 },
  () => {
    const choices = { 'every write, once': firstSendOfEachWrite, 'every second flush': everySecondFlush };
    it.each(names.flatMap((name) => Object.keys(choices).map((choice) => [name, choice] as const)))(
      '"%s", without the replies to %s',
      async (name, choice) => {
        const { scenario, ledger } = scenarioOf(name);
        const perdure = await launchEngine(test, { database: proxied(), workflows: scenario.definitions });
        const lostBefore = proxy.lost.length;
        proxy.impose({ kind: 'lose-replies', isLost: choices[choice as keyof typeof choices]() });

        expect(await run(perdure, scenario, 'run')).toEqual(scenario.expected);

        expect(flushesAmong(proxy.lost.slice(lostBefore))).toBeGreaterThan(0);
        await expectOnce(ledger, name);
        expect(await outcomes()).toEqual(await endedRuns());
      },
    );

    it('writes each of the flushes of a run twice, and no more often', async () => {
      const { scenario } = scenarioOf('sequential');
      const perdure = await launchEngine(test, { database: proxied(), workflows: scenario.definitions });
      proxy.impose({ kind: 'lose-replies', isLost: firstSendOfEachWrite() });
      expect(await run(perdure, scenario, 'run')).toEqual(scenario.expected);
      // The start, four steps, and the fifth together with the outcome.
      expect(flushesAmong(proxy.lost)).toBe(6);
    });
  },
);

it('starts a run once and answers with it, also when both processes lose the reply to the same start', async () => {
  const { scenario, ledger } = scenarioOf('sequential');
  const [first, second] = [
    await launchEngine(test, { database: proxied(), workflows: scenario.definitions }),
    await launchEngine(test, { database: proxied(), workflows: scenario.definitions }),
  ];
  proxy.impose({ kind: 'lose-replies', isLost: firstSendOfEachWrite() });
  const ids = Array.from({ length: 20 }, (_, no) => `run-${no}`);
  const results = await Promise.all(ids.flatMap((id) => [run(first, scenario, id), run(second, scenario, id)]));
  expect(results).toEqual(results.map(() => scenario.expected));
  await expectOnce(ledger, 'sequential');
  expect(ledger.begun).toHaveLength(5 * ids.length);
});

it('takes a dead process over, whatever reply is lost on the way, and leaves no run behind', async () => {
  const { scenario, ledger } = scenarioOf('parent');
  const { definitions: workflows } = scenario;
  const dying = await Perdure.launch({ database: test.database, schema: test.schema, workflows, lease: '1s' });
  const ids = Array.from({ length: 20 }, (_, no) => `run-${no}`);
  const [definition] = workflows;
  await Promise.all(ids.map((workflowId) => definition!.with({ workflowId, engine: dying }).start()));
  await dying[crash]();
  const begunBefore = ledger.begun.length;
  const recordedBefore = new Set(await recordedSteps());

  const perdure = await launchEngine(test, { database: proxied(), workflows, lease: '1s', poll: '100ms' });
  const isFirstSend = firstSendOfEachWrite();
  // No heartbeat is like the one before, so none would ever be answered, and then an executor does nothing at all.
  const isLost = (reply: Reply): boolean => !reply.statement.name.includes('heartbeat') && isFirstSend(reply);
  proxy.impose({ kind: 'lose-replies', isLost });
  const results = await Promise.all(ids.map((workflowId) => perdure.run(workflowId).result()));

  expect(results).toEqual(ids.map(() => scenario.expected));
  expect(ledger.begun.slice(begunBefore).filter((key) => recordedBefore.has(key))).toEqual([]);
  const lost = proxy.lost.flatMap(({ committed }) =>
    committed.map(({ name }) => name.replace(/^perdure_[0-9a-f]+_/, '')),
  );
  expect(lost).toEqual(expect.arrayContaining(['executors_revoke_lapsed', 'ownership_release_revoked', 'claims_take']));
  // Only crashes that happened are counted.
  const statuses = await Promise.all(ids.map((workflowId) => perdure.run(workflowId).status()));
  expect(new Set(statuses.map(({ crashes }) => crashes.length))).toEqual(new Set([1]));
});

it('answers every kind of question when the first reply to each is lost', { timeout: 60_000 }, async () => {
  const { scenario, ledger } = scenarioOf('parent');
  const perdure = await launchEngine(test, { database: proxied(), workflows: scenario.definitions });
  const other = await launchEngine(test, { workflows: [] });
  proxy.impose({ kind: 'lose-replies', isLost: oncePerName() });
  expect(await run(perdure, scenario, 'run')).toEqual(scenario.expected);
  await expectOnce(ledger, 'parent');
  expect(await perdure.run('run').status()).toMatchObject({ status: 'completed' });
  await perdure.run('run').cancel();
  expect(await other.run('run').result()).toEqual(scenario.expected);
});

it('hands over at once although no reply to the hand-over comes', async () => {
  const gated = workflow('gated', () => step.run('wait', () => new Promise<never>(() => {})));
  const options = { workflows: [gated] };
  const leaving = await launchEngine(test, { database: proxied(), ...options });
  await gated.with({ workflowId: 'run', engine: leaving }).start();
  proxy.impose({ kind: 'lose-replies', isLost: firstSendOfEachWrite() });
  await leaving.shutdown({ drainMs: 0 });
  expect(proxy.lost.length).toBeGreaterThanOrEqual(2);
  // Nobody else is there who could have freed the run.
  expect(await registeredExecutors()).toEqual([]);
  const next = await launchEngine(test, options);
  expect(await next.run('run').status()).toMatchObject({ crashes: [] });
  await expect.poll(async () => (await next.run('run').status()).attempt).toBe(2);
});

it('brings the schema up to date although the reply to its COMMIT is lost', async () => {
  const { scenario } = scenarioOf('sequential');
  const launch = () => launchEngine(test, { database: proxied(), workflows: scenario.definitions });
  proxy.impose({ kind: 'lose-replies', isLost: everyCommit() });
  await expect(launch()).rejects.toMatchObject({ code: 'PERDURE_DATABASE_UNAVAILABLE' });
  expect(proxy.lost).toHaveLength(1);
  // Nothing is left to migrate, and so nothing to commit.
  const perdure = await launch();
  expect(await run(perdure, scenario, 'run')).toEqual(scenario.expected);
});

it('says of a transaction of yours that its COMMIT may have happened', async () => {
  const database = proxied();
  const table = `${test.schema}.item`;
  await test.database.script(`create schema ${test.schema}; create table ${table} (id text)`);
  proxy.impose({ kind: 'lose-replies', isLost: everyCommit() });
  const id = randomUUID();
  const insert = { name: 'insert', text: `insert into ${table} values ($1::text)`, values: [id] };
  await expect(database.transaction((tx) => tx.query(insert))).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await test.database.query({ name: 'items', text: `select id from ${table}`, values: [] })).toEqual([{ id }]);
});

function scenarioOf(name: string): { scenario: Scenario; ledger: Ledger } {
  const ledger: Ledger = { begun: [], ended: [] };
  return { scenario: scenarios(ledger).find((scenario) => scenario.name === name)!, ledger };
}

function run(perdure: Perdure, scenario: Scenario, workflowId: string): Promise<unknown> {
  const [definition] = scenario.definitions;
  return definition!.with({ workflowId, engine: perdure })();
}

/** Of other writes, such as heartbeats, there may be any number in between. */
function everySecondFlush(): (reply: Reply) => boolean {
  const isSecond = everyNthWrite(2);
  return (reply) => reply.statement.name.includes('_flush_') && isSecond(reply);
}

function flushesAmong(replies: readonly Reply[]): number {
  return replies.filter(({ statement }) => statement.name.includes('_flush_new_')).length;
}

/** Each body began once, and each step's result is in one row. A race may end before the loser is recorded. */
async function expectOnce(ledger: Ledger, name: string): Promise<void> {
  expect(ledger.begun.toSorted()).toEqual([...new Set(ledger.begun)].toSorted());
  const recorded = await recordedSteps();
  expect(recorded).toEqual([...new Set(recorded)]);
  if (name === 'race') expect(ledger.begun).toEqual(expect.arrayContaining(recorded));
  else await expect.poll(recordedSteps).toEqual(ledger.begun.toSorted());
}

/** The idempotency keys of the steps with a result, as often as there is one. */
async function recordedSteps(): Promise<string[]> {
  const rows = await ask<{ workflow_id: string; seq: number }>(
    `select workflow_id, seq from ${test.schema}.checkpoints where kind = 'step'`,
  );
  return rows.map(({ workflow_id, seq }) => `${workflow_id}:${seq}`).toSorted();
}

async function outcomes(): Promise<string[]> {
  const rows = await ask<{ workflow_id: string }>(`select workflow_id from ${test.schema}.outcomes order by 1`);
  return rows.map((row) => row.workflow_id);
}

async function endedRuns(): Promise<string[]> {
  const rows = await ask<{ workflow_id: string }>(`select workflow_id from ${test.schema}.runs order by 1`);
  return rows.map((row) => row.workflow_id);
}

async function registeredExecutors(): Promise<string[]> {
  return (await ask<{ id: string }>(`select id::text from ${test.schema}.executors`)).map((row) => row.id);
}

function ask<R extends Record<string, unknown>>(text: string): Promise<R[]> {
  return test.database.query<R>({ name: text, text, values: [] });
}
