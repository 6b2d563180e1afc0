import { type Perdure, postgres, step, workflow } from '@perdure/core';
import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { databases } from '../support/databases.js';
import { afterThisTest, freshDatabase, launchEngine } from '../support/engines.js';
import { gate } from '../support/gate.js';
import { Collector } from './collector.js';

const { open } = databases[0]!;

async function connectionsOf(collector: Collector): Promise<number> {
  const states = await collector.find('db.client.connection.count', { 'db.client.connection.pool.name': 'engine' });
  return states.reduce((sum, { value }) => sum + value, 0);
}

it('the engines of a process are told of together, with each SDK those that count with it', async () => {
  const collector = new Collector();
  collector.register();
  afterThisTest(() => collector.stop());
  const { opened, open: letGo } = gate();
  const waiting = workflow('waiting', async () => await step.run('wait', () => opened));
  const launch = async () => await launchEngine(await freshDatabase(open), { workflows: [waiting] });
  const start = (perdure: Perdure, runs: number) =>
    Promise.all(Array.from({ length: runs }, () => waiting.with({ engine: perdure }).start()));
  const active = (by: Collector) => by.value('perdure.workflow.active', { 'perdure.workflow.name': 'waiting' });
  const connections = () => connectionsOf(collector);
  const first = await launch();
  await start(first, 1);
  const alone = await connections();
  const second = await launch();
  await start(second, 3);
  expect(await active(collector)).toBe(4);
  expect(await connections()).toBeGreaterThan(alone);
  const another = new Collector();
  another.register();
  await start(await launch(), 2);
  expect([await active(collector), await active(another)]).toEqual([4, 2]);
  await second.shutdown({ drainMs: 0 });
  expect(await active(collector)).toBe(1);
  letGo();
  await another.stop();
});

it('a pool that the engines of a process share is told of once', async () => {
  const collector = new Collector();
  collector.register();
  afterThisTest(() => collector.stop());
  const pool = new pg.Pool({ connectionString: inject('postgresUrl') });
  afterThisTest(() => pool.end());
  for (let engines = 0; engines < 2; engines += 1) {
    await launchEngine({ ...(await freshDatabase(open)), database: postgres({ pool }) }, { workflows: [] });
  }
  // It opens connections meanwhile, as many as it needs.
  await expect.poll(async () => (await connectionsOf(collector)) - pool.totalCount).toBe(0);
  expect(pool.totalCount).toBeGreaterThan(0);
});
