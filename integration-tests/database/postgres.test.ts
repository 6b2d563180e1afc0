import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TransactionConflictError } from '../../packages/core/src/database/transaction-errors.js';
import { classify } from '../../packages/core/src/database/database-errors.js';
import type { Database } from '../../packages/core/src/database/database.js';
import { DedicatedConnection } from '../../packages/core/src/database/dedicated-connection.js';
import { Listener } from '../../packages/core/src/database/listener.js';
import { PreparedStatements } from '../../packages/core/src/database/prepared-statements.js';
import { type PostgresOptions, postgres } from '../../packages/core/src/database/postgres.js';
import pg from 'pg';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';

const url = inject('postgresUrl');
const opened: Database[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
});

function open(options: PostgresOptions = { url }): Database {
  const database = postgres(options);
  opened.push(database);
  return database;
}

const select = (text: string, lane: 'control' | 'shared' = 'shared') => ({ name: text, text, values: [], lane });
const pidOf = async (database: Database, lane?: 'control'): Promise<number> => {
  const [row] = await database.query<{ pid: number }>(select('select pg_backend_pid() as pid', lane));
  return row!.pid;
};
const terminate = (database: Database, pid: number) => database.script(`select pg_terminate_backend(${pid})`);
const sleeping = `select count(*)::int4 as count from pg_stat_activity where query like 'select pg_sleep(%'`;

it('sends what must not be compiled where the server compiles nothing, and changes nothing for what comes after', async () => {
  const compiling = new URL(url);
  compiling.searchParams.set('options', '-c jit=on');
  const database = open({ url: compiling.href, poolSize: 1 });
  const jit = async (withoutJit: boolean): Promise<unknown> => {
    const statement = select(`select current_setting('jit') as jit`);
    return (await database.query<{ jit: string }>({ ...statement, withoutJit }))[0]?.jit;
  };
  expect(await jit(true)).toBe('off');
  expect(await jit(false)).toBe('on');
  await expect(database.query({ ...select('select 1 / 0'), withoutJit: true })).rejects.toThrow('division by zero');
  expect(await jit(false)).toBe('on');
});

describe('notifications that do not arrive', () => {
  it('are found out, though LISTEN was accepted', async () => {
    const database = open();
    // NOTIFY reaches the sessions of one database only: from another one it is like a pooler that forwards nothing.
    const elsewhere = new URL(url);
    elsewhere.pathname = '/template1';
    const connect = () =>
      DedicatedConnection.open({ connectionString: elsewhere.href }, new PreparedStatements(), 5_000);
    const notify = (channel: string) => database.query(select(`select pg_notify('${channel}', '')::text`));
    const listener = new Listener(connect, notify);
    const onGap = vi.fn();
    const subscription = await listener.listen('one', () => {}, onGap);
    try {
      await expect.poll(() => subscription.isDeaf).toBe(true);
      expect(onGap).toHaveBeenCalledTimes(1);
    } finally {
      await listener.close();
    }
  }, 30_000);

  it('are not suspected while they do arrive', async () => {
    const database = open();
    const echoes = vi.fn();
    const subscription = await database.listen('one', echoes, () => {});
    await database.query(select(`select pg_notify('one', 'x')::text`));
    await expect.poll(() => echoes.mock.calls).toEqual([['x']]);
    expect(subscription.isDeaf).toBe(false);
  });
});

describe('a lost connection', () => {
  it('is a connection error of the statement under way, and the next one works', async () => {
    const [database, other] = [open({ url, poolSize: 1 }), open()];
    const pid = await pidOf(database);
    const statement = database.query(select('select pg_sleep(60)')).catch((error: unknown) => error);
    await expect.poll(async () => (await other.query(select(sleeping)))[0]).toEqual({ count: 1 });
    await terminate(other, pid);
    expect(classify(await statement)).toBe('connection');
    expect(await pidOf(database)).not.toBe(pid);
  });

  it('is a connection error too when it is lost in the moment in which the pool hands it out', async () => {
    const script = fileURLToPath(new URL('./children/cut-while-handed-out.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { timeout: 20_000 });
    const told = Array.from({ length: 6 }, () => 'connection');
    expect(JSON.parse(stdout)).toEqual({ own: told, shared: told });
  });

  it('is not noticed at all while it idles in the pool', async () => {
    const [database, other] = [open({ url, poolSize: 1 }), open()];
    await terminate(other, await pidOf(database));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(pidOf(database)).resolves.toBeTypeOf('number');
  });

  it('rejects a transaction, also when it is lost between two statements or before COMMIT', async () => {
    const [database, other] = [open({ url, poolSize: 1 }), open()];
    for (const next of [(tx: { script(sql: string): Promise<void> }) => tx.script('select 1'), async () => {}]) {
      const transaction = database.transaction(async (tx) => {
        const [row] = await tx.query<{ pid: number }>(select('select pg_backend_pid() as pid'));
        await terminate(other, row!.pid);
        await next(tx);
      });
      expect(classify(await transaction.catch((error: unknown) => error))).toBe('connection');
      await pidOf(database);
    }
  });

  it('is replaced on the control lane', async () => {
    const database = open();
    const pid = await pidOf(database, 'control');
    expect(await pidOf(database, 'control')).toBe(pid);
    await terminate(database, pid);
    await expect.poll(() => pidOf(database, 'control').catch(() => pid)).not.toBe(pid);
  });

  it('is replaced under LISTEN, every subscriber hears of the gap, and then of notifications again', async () => {
    const database = open();
    const heard: string[] = [];
    const onGap = vi.fn();
    await database.listen('one', (payload) => heard.push(payload), onGap);
    await database.listen('two', (payload) => heard.push(payload), onGap);
    const listening = `select pid from pg_stat_activity where query ilike 'listen "%two"%' and application_name = 'perdure' and pid <> pg_backend_pid()`;
    for (const round of [1, 2]) {
      const rows = await database.query<{ pid: number }>(select(listening));
      expect(rows).toHaveLength(1);
      await terminate(database, rows[0]!.pid);
      await expect.poll(() => onGap.mock.calls.length).toBe(2 * round);
      heard.length = 0;
      await database.script(`notify one, 'a'; notify two, 'b'`);
      await expect.poll(() => heard).toEqual(['a', 'b']);
    }
  });

  it('rejects LISTEN when there is no server, and says so in the class of the error', async () => {
    const database = open({ url: 'postgres://nobody@localhost:1/none' });
    const errors = await Promise.all([
      database
        .listen(
          'x',
          () => {},
          () => {},
        )
        .catch((error: unknown) => error),
      database.query(select('select 1')).catch((error: unknown) => error),
      database.query(select('select 1', 'control')).catch((error: unknown) => error),
    ]);
    expect(errors.map((error) => classify(error))).toEqual(['connection', 'connection', 'connection']);
  });
});

describe('a deadline', () => {
  it('ends a statement that takes too long, its connection, and its work on the server', async () => {
    const [database, other] = [open({ url, poolSize: 1, statementTimeoutMs: 200 }), open()];
    const pid = await pidOf(database);
    const error = await database.query(select('select pg_sleep(50)')).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'PERDURE_DEADLINE' });
    expect(classify(error)).toBe('connection');
    expect(await pidOf(database)).not.toBe(pid);
    await expect.poll(() => other.query(select(`select pid from pg_stat_activity where pid = ${pid}`))).toEqual([]);
  });

  it('ends a transaction', async () => {
    const database = open({ url, poolSize: 1, statementTimeoutMs: 200 });
    const transaction = database.transaction((tx) => tx.query(select('select pg_sleep(50)')));
    await expect(transaction).rejects.toMatchObject({ code: 'PERDURE_DEADLINE' });
    await expect(pidOf(database)).resolves.toBeTypeOf('number');
  });

  it('does not count time in which this process was blocked and the answer lay waiting', async () => {
    const database = open({ url, statementTimeoutMs: 100 });
    await pidOf(database);
    const statement = database.query(select(`select pg_sleep(0.05)::text, 'answer' as said`));
    const until = performance.now() + 400;
    await new Promise((resolve) => setImmediate(resolve));
    while (performance.now() < until);
    await expect(statement).resolves.toMatchObject([{ said: 'answer' }]);
  });

  it('ends a wait for the pool, and gives a client that comes later back', async () => {
    const database = open({ url, poolSize: 1, statementTimeoutMs: 200 });
    let finish: (() => void) | undefined;
    const transaction = database.transaction(() => new Promise<void>((resolve) => (finish = resolve)));
    await expect.poll(() => finish).toBeDefined();
    const error = await pidOf(database).catch((error: unknown) => error);
    expect(classify(error)).toBe('connection');
    finish?.();
    await transaction;
    await expect(pidOf(database)).resolves.toBeTypeOf('number');
  });
});

it('keeps the control lane free of what the pool is busy with', async () => {
  const database = open({ url, poolSize: 1 });
  let finish: (() => void) | undefined;
  const transaction = database.transaction(() => new Promise<void>((resolve) => (finish = resolve)));
  await expect.poll(() => finish).toBeDefined();
  await expect(pidOf(database, 'control')).resolves.toBeTypeOf('number');
  finish?.();
  await transaction;
});

describe('prepared statements', () => {
  it('go on without names where a pooler loses them', async () => {
    const database = open({ url, poolSize: 1 });
    const statement = { name: 'lost', text: 'select $1::int4 as no', values: [7] };
    await database.query(statement);
    await database.script('deallocate all');
    await expect(database.query(statement)).resolves.toEqual([{ no: 7 }]);
    await expect(database.query(statement)).resolves.toEqual([{ no: 7 }]);
    expect(await database.query(select('select count(*)::int4 as count from pg_prepared_statements'))).toEqual([
      { count: 0 },
    ]);
  });

  it('are not used within a transaction, which would not be repeated if a pooler lost them', async () => {
    const database = open({ url, poolSize: 1 });
    const statement = { name: 'lost', text: 'select $1::int4 as no', values: [7] };
    await database.query(statement);
    await database.script('deallocate all');
    await expect(database.transaction((tx) => tx.query(statement))).resolves.toEqual([{ no: 7 }]);
  });

  it('lost within a shared transaction, ask for the transaction to be repeated', async () => {
    const database = open({ url, transactionPoolSize: 1 });
    const statement = { name: 'lost', text: 'select $1::int4 as no', values: [7] };
    const options = { isolationLevel: 'read committed', id: 'id' } as const;
    const run = () => database.sharedTransaction((tx) => tx.query(statement), options);
    await run();
    await database.sharedTransaction((tx) => tx.script('deallocate all'), options);
    const error = await run().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TransactionConflictError);
    await expect(run()).resolves.toEqual([{ no: 7 }]);
  });

  it('are told apart by their whole name', async () => {
    const database = open({ url, poolSize: 1 });
    for (const no of [1, 2]) {
      const rows = await database.query({ name: `${'x'.repeat(70)}${no}`, text: `select ${no} as no`, values: [] });
      expect(rows).toEqual([{ no }]);
    }
  });
});

describe("an application's own pool", () => {
  it('serves statements and is left open, without a trace', async () => {
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    const listenersBefore = pool.listenerCount('error');
    const database = open({ pool });
    await pidOf(database);
    await pidOf(database, 'control');
    await database.transaction((tx) => tx.script('select 1'));
    await database.listen(
      'own',
      () => {},
      () => {},
    );
    expect(pool.totalCount).toBe(1);
    await database.close();
    expect(pool.listenerCount('error')).toBe(listenersBefore);
    await expect(pool.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
    const client = await pool.connect();
    expect(client.listenerCount('error')).toBe(0);
    client.release();
    await pool.end();
  });

  it('may have its password apart', async () => {
    const { hostname, port, username, password } = new URL(url);
    const settings = { host: hostname, port: Number(port), user: username, database: 'postgres' };
    const pool = new pg.Pool({ ...settings, password: async () => password });
    const database = open({ pool });
    await expect(pidOf(database, 'control')).resolves.toBeTypeOf('number');
    await database.close();
    await pool.end();
  });

  it('does not get a broken connection back', async () => {
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    const database = open({ pool, statementTimeoutMs: 200 });
    const pid = await pidOf(database);
    await database.query(select('select pg_sleep(50)')).catch(() => {});
    expect(await pidOf(database)).not.toBe(pid);
    expect(pool.totalCount).toBe(1);
    await database.close();
    await pool.end();
  });
});

describe('close', () => {
  it('waits for statements under way', async () => {
    const database = open();
    const statement = database.query(select(`select pg_sleep(0.2)::text as slept`));
    await Promise.all([statement, new Promise((resolve) => setTimeout(resolve, 50)).then(() => database.close())]);
    await expect(statement).resolves.toHaveLength(1);
  });

  it('leaves no handle, also after a failure and while it reconnects', async () => {
    const script = fileURLToPath(new URL('./children/open-and-close.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, url], {
      timeout: 20_000,
    });
    expect(JSON.parse(stdout)).toEqual([]);
  });
});
