import { step, workflow } from '@perdure/core';
import { type Database, postgres } from '@perdure/core/internal';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { lane } from '../support/lanes.js';

const { open } = databases.find(({ name }) => name === 'postgres')!;
const [pooled, direct] = [inject('engineUrl'), inject('postgresUrl')];

describe('behind a pooler in transaction mode', () => {
  const opened: { end(): Promise<void> }[] = [];
  let client: pg.Client;

  beforeEach(async () => {
    client = await connect(pooled);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connection) => connection.end()));
  });

  async function connect(connectionString: string): Promise<pg.Client> {
    const connection = new pg.Client({ connectionString });
    opened.push(connection);
    await connection.connect();
    return connection;
  }

  /** Leaves a prepared statement of this name on the server's connections, as another client would have. */
  async function occupy(name: string): Promise<void> {
    await client.query('select 1');
    await client.query({ name, text: 'select 1 as occupied' }).catch(() => {});
  }

  it('sessions change under a client, and prepared statements are lost: the lane is what it says', async () => {
    const other = await connect(pooled);
    let round = 0;
    const useSameName = async (): Promise<unknown> => {
      const statement = { name: `taken_${++round}`, text: 'select 1' };
      await client.query(statement);
      return await other.query(statement).then(
        () => null,
        (error: { code?: string }) => error.code,
      );
    };
    await expect.poll(useSameName).toBe('42P05');
  });

  it('an engine launches although names of its statements are taken, also those of its migrations', async () => {
    const test = await freshDatabase(open);
    await occupy('perdure_migrate_lock');
    const add = step('add', async (a: number, b: number) => a + b);
    const sum = workflow('pooler: sum', async () => await add(await add(1, 2), 3));
    const perdure = await launchEngine(test, { workflows: [sum] });
    expect(await sum.with({ engine: perdure })()).toBe(6);
  });

  it('a transactional step commits once in each of several engines, whose statements have the same names', async () => {
    const test = await freshDatabase(open);
    await test.administer(`create schema if not exists ${test.schema}; create table ${test.schema}.bookings (id text)`);
    const book = workflow('pooler: book', async (id: string) =>
      step.transaction('book', async (tx) => {
        await tx.query(`insert into ${test.schema}.bookings values ($1)`, [id]);
      }),
    );
    const ids = Array.from({ length: 20 }, (_, no) => `booking-${no}`);
    for (const first of [0, 10]) {
      const perdure = await launchEngine(test, { workflows: [book], database: await test.reopen() });
      await Promise.all(
        ids.slice(first, first + 10).map((workflowId) => book.with({ workflowId, engine: perdure })(workflowId)),
      );
      await perdure.shutdown();
    }
    const { rows } = await client.query<{ id: string }>(`select id from ${test.schema}.bookings`);
    expect(rows.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  it('a statement that takes too long is ended on the server too', async () => {
    const database: Database = postgres({ url: pooled, statementTimeoutMs: 200 });
    opened.push({ end: () => database.close() });
    const slow = 'select pg_sleep(50)';
    await expect(database.query({ name: 'slow', text: slow, values: [] })).rejects.toMatchObject({
      code: 'PERDURE_DEADLINE',
    });
    const watcher = await connect(direct);
    const active = `select 1 from pg_stat_activity where state = 'active' and query = '${slow}'`;
    await expect.poll(async () => (await watcher.query(active)).rowCount).toBe(0);
  });

  it.skipIf(lane.has('no-notify'))(
    'an engine finds out that it hears no notifications, says so, and goes on by asking',
    async () => {
      const test = await freshDatabase(open);
      const greet = workflow('pooler: greet', async () => 'hello');
      const warnings: string[] = [];
      const logger = {
        debug() {},
        info() {},
        error() {},
        warn: (_facts: unknown, message?: string) => void warnings.push(message ?? ''),
      };
      const waiting = await launchEngine(test, { workflows: [], logger });
      const working = await launchEngine(test, { workflows: [greet], database: await test.reopen() });
      await expect.poll(() => waiting.health().reasons.map(({ code }) => code)).toEqual(['notifications-missing']);
      expect(warnings.join('\n')).toContain('notifications do not arrive');
      await greet.with({ workflowId: 'greeting', engine: working }).start();
      expect(await waiting.run('greeting').result()).toBe('hello');
    },
  );
});
