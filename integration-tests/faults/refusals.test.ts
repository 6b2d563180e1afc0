import { randomUUID } from 'node:crypto';
import { type Perdure, type Workflow, step, workflow } from '@perdure/core';
import { type Database, postgres } from '@perdure/core/internal';
import pg from 'pg';
import { beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { type TestDatabase, databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { Load } from './load.js';
import { LogBook } from './log-book.js';

/** How long work may take to go on once the server takes writes again. */
const resumeMsMax = 5_000;
const { open } = databases.find(({ name }) => name === 'postgres')!;
let applicationName: string;
let test: TestDatabase;
let admin: pg.Client;

beforeEach(async () => {
  applicationName = `faults_${randomUUID()}`;
  test = await freshDatabase(open);
  admin = await connect(inject('postgresUrl'));
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  onTestFinished(() => client.end());
  await client.connect();
  return client;
}

async function launchWithLoad(url = test.url!, others: readonly Workflow<[], unknown>[] = []) {
  const database: Database = postgres({ url, applicationName });
  onTestFinished(() => database.close());
  const [load, log] = [new Load(), new LogBook()];
  const perdure: Perdure = await launchEngine(test, { database, workflows: [load.workflow, ...others], logger: log });
  load.begin(perdure, 10);
  await load.runsOn(10);
  return { perdure, load, log, executorId: perdure.executorId };
}

/** Whatever the server refused: it was a pause, and nobody noticed. */
async function expectNothingLost({ perdure, load, executorId }: Awaited<ReturnType<typeof launchWithLoad>>) {
  const since = performance.now();
  await load.runsOn(1);
  expect(performance.now() - since).toBeLessThan(resumeMsMax);
  await load.end();
  expect(await load.losses(test)).toEqual([]);
  expect(perdure.executorId).toBe(executorId);
}

async function countConnections(): Promise<number> {
  const { rows } = await admin.query('select pid from pg_stat_activity where application_name = $1', [applicationName]);
  return rows.length;
}

describe('nothing is lost, and work goes on in time', () => {
  it('when the server is read-only for a while, as it is after a failover', { timeout: 60_000 }, async () => {
    const name = `readonly_${randomUUID().replaceAll('-', '')}`;
    await admin.query(`create database ${name}`);
    onTestFinished(async () => void (await admin.query(`drop database ${name} with (force)`)));
    const url = new URL(test.url!);
    url.pathname = name;
    test = { ...test, database: postgres({ url: url.href }), url: url.href };
    onTestFinished(() => test.database.close());
    const busy = await launchWithLoad(url.href);

    await admin.query(`alter database ${name} set default_transaction_read_only = on`);
    // What is open does not hear of it.
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    const { begun, completed } = busy.load;
    const errors = busy.log.count;
    await eventually('writes are refused', () => busy.log.count > errors);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(busy.load.completed - completed).toBeLessThanOrEqual(10);
    expect(busy.load.begun - begun).toBeLessThanOrEqual(20);
    await admin.query(`alter database ${name} reset default_transaction_read_only`);
    await expectNothingLost(busy);
  });

  it.each([
    ['53100', 'could not extend file: No space left on device'],
    ['53200', 'out of memory'],
    ['58030', 'could not write to file: Input/output error'],
    ['40001', 'could not serialize access'],
    ['55P03', 'could not obtain lock'],
    ['57014', 'canceling statement due to statement timeout'],
  ])('when every write fails with %s (%s) for a while', { timeout: 60_000 }, async (code, message) => {
    const busy = await launchWithLoad();
    const tables = ['runs', 'checkpoints', 'outcomes'].map((table) => `${test.schema}.${table}`);
    const errors = busy.log.count;
    await admin.query(`
      create function ${test.schema}.refuse() returns trigger language plpgsql as
        $$ begin raise exception using errcode = '${code}', message = '${message}'; end $$;
      ${tables.map((table) => `create trigger refuse before insert on ${table} execute function ${test.schema}.refuse();`).join('\n')}`);
    await eventually('writes are refused', () => busy.log.count > errors);
    expect(busy.log.count).toBeGreaterThan(errors);
    await admin.query(tables.map((table) => `drop trigger refuse on ${table};`).join('\n'));
    await expectNothingLost(busy);
  });

  it('when the role may not have more connections, and others have them all', { timeout: 60_000 }, async () => {
    const role = `limited_${randomUUID().replaceAll('-', '')}`;
    await admin.query(`
      create role ${role} login password 'secret' connection limit 5;
      grant create on database postgres to ${role}`);
    onTestFinished(async () => void (await admin.query(`drop owned by ${role} cascade; drop role ${role}`)));
    const url = new URL(test.url!);
    [url.username, url.password] = [role, 'secret'];
    const busy = await launchWithLoad(url.href);
    const others: pg.Client[] = [];
    for (let round = 1; round <= 3; round += 1) {
      await busy.load.runsOn(1);
      // Whenever a place is free, somebody else takes it.
      while (others.length < 5) {
        await terminateAll();
        const other = await connect(url.href).catch(() => null);
        if (other !== null) others.push(other);
      }
      expect(await countConnections()).toBe(0);
      const errors = busy.log.count;
      await eventually('the engine is refused', () => busy.log.count > errors);
      await Promise.all(others.splice(0).map((client) => client.end()));
    }
    await expectNothingLost(busy);
  });

  it('when every connection is terminated, 100 times', { timeout: 60_000 }, async () => {
    const busy = await launchWithLoad();
    let terminated = 0;
    for (let round = 1; round <= 100; round += 1) {
      await busy.load.stepsOn(1);
      terminated += await terminateAll();
    }
    expect(terminated).toBeGreaterThan(100);
    await expectNothingLost(busy);
  });
});

describe('what repeating cannot mend', () => {
  it('fails one run alone when Postgres will never take its values', { timeout: 60_000 }, async () => {
    const poisoned = workflow('poisoned', async () => {
      await step.run('poison', () => null);
      return await step.run('after', () => null);
    });
    const busy = await launchWithLoad(test.url, [poisoned]);
    await admin.query(`
      create function ${test.schema}.refuse() returns trigger language plpgsql as
        $$ begin raise exception using errcode = '22023', message = 'never'; end $$;
      create trigger refuse before insert on ${test.schema}.checkpoints for each row when (new.name = 'poison')
        execute function ${test.schema}.refuse()`);
    const runs = Array.from({ length: 5 }, (_, no) =>
      poisoned.with({ workflowId: `poisoned-${no}`, engine: busy.perdure })(),
    );
    const ends = await Promise.allSettled(runs);
    expect(ends.map((end) => end.status === 'rejected' && (end.reason as { code?: string }).code)).toEqual(
      runs.map(() => 'PERDURE_STORE_REFUSED'),
    );
    await busy.load.runsOn(10);
    await admin.query(`delete from ${test.schema}.outcomes where workflow_id like 'poisoned-%'`);
    await admin.query(`delete from ${test.schema}.runs where workflow_id like 'poisoned-%'`);
    await expectNothingLost(busy);
  });

  it('is an error for who asks, while runs wait for somebody to mend it', { timeout: 60_000 }, async () => {
    const busy = await launchWithLoad();
    const outcomes = `${test.schema}.outcomes`;
    await admin.query(`alter table ${outcomes} rename to gone`);
    await expect(busy.perdure.run('run-1').status()).rejects.toMatchObject({ code: '42P01' });
    await admin.query(`alter table ${test.schema}.gone rename to outcomes`);
    expect(await busy.perdure.run('run-1').status()).toMatchObject({ status: 'completed' });
    await expectNothingLost(busy);
  });
});

async function terminateAll(): Promise<number> {
  const { rows } = await admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
    [applicationName],
  );
  return rows.length;
}
