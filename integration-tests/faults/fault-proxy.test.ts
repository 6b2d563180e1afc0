import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import type { Reply } from './conversation.js';
import { FaultProxy } from './fault-proxy.js';
import { everyCommit, everyNthWrite, firstSendOfEachWrite, oncePerName } from './lost-replies.js';

const table = `item_${randomUUID().replaceAll('-', '')}`;
const clients: pg.Client[] = [];
let proxy: FaultProxy;
let direct: pg.Client;

beforeEach(async () => {
  proxy = await FaultProxy.start(inject('postgresUrl'));
  direct = await connected(inject('postgresUrl'));
  await direct.query(`create table ${table} (id int primary key)`);
});
afterEach(async () => {
  await direct.query(`drop table ${table}`);
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await proxy.close();
});

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  if (url === inject('postgresUrl')) clients.push(client);
  await client.connect();
  return client;
}

const insert = (id: number) => ({ name: 'insert', text: `insert into ${table} values ($1)`, values: [id] });
const stored = async () =>
  (await direct.query<{ id: number }>(`select id from ${table} order by id`)).rows.map((row) => row.id);
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: Error & { code?: string }) => error.code ?? error.message,
  );

it('passes everything on, also what is large, and the end of a connection in either direction', async () => {
  const client = await connected(proxy.url);
  const text = 'x'.repeat(3_000_000);
  expect((await client.query<{ text: string }>('select $1::text as text', [text])).rows[0]!.text).toBe(text);
  const { rows } = await client.query<{ no: number }>('select no from generate_series(1, 20000) no');
  expect(rows.at(-1)).toEqual({ no: 20_000 });
  await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
  await client.end();
  const other = await connected(proxy.url);
  expect(await failure(other.query('select pg_terminate_backend(pg_backend_pid())'))).toBe('57P01');
});

it('passes a notification on while nothing is asked', async () => {
  const client = await connected(proxy.url);
  await client.query('listen channel');
  const heard = new Promise((resolve) => client.once('notification', ({ payload }) => resolve(payload)));
  await direct.query(`notify channel, 'hello'`);
  expect(await heard).toBe('hello');
  await client.end();
});

it('knows which statement a reply belongs to, by name, text and values, and what became of it', async () => {
  const replies: Reply[] = [];
  const lookOn = (reply: Reply): boolean => {
    replies.push(reply);
    return false;
  };
  proxy.impose({ kind: 'lose-replies', isLost: lookOn });
  const client = await connected(proxy.url);
  await client.query(insert(1));
  await client.query('begin');
  await client.query(insert(2));
  await client.query(insert(2)).catch(() => {});
  await client.query('commit');
  await client.query('begin; select 1');
  await client.query('commit');
  await client.end();
  const [first, second] = [replies[0]!, replies[2]!];
  expect(first.statement).toMatchObject({ name: 'insert', text: insert(1).text });
  expect(second.statement).toMatchObject({ name: 'insert', text: insert(1).text });
  expect(second.statement.values).not.toBe(first.statement.values);
  expect(replies.map(({ tag, isCommitted }) => [tag, isCommitted])).toEqual([
    ['INSERT 0 1', true],
    ['BEGIN', false],
    ['INSERT 0 1', false],
    ['', false],
    ['ROLLBACK', true],
    ['SELECT 1', false],
    ['COMMIT', true],
  ]);
});

it('loses a reply after the statement was committed, and resets the connection', async () => {
  proxy.impose({ kind: 'lose-replies', isLost: firstSendOfEachWrite() });
  for (const id of [1, 2]) {
    const client = await connected(proxy.url);
    expect(await failure(client.query(insert(id)))).toBe('ECONNRESET');
    expect(await stored()).toContain(id);
    const again = await connected(proxy.url);
    expect(await failure(again.query(insert(id)))).toBe('23505');
    await again.end();
  }
  expect(proxy.lost.map(({ statement, tag }) => [statement.name, tag])).toEqual([
    ['insert', 'INSERT 0 1'],
    ['insert', 'INSERT 0 1'],
  ]);
});

it('loses each k-th write, each COMMIT, or one reply for each name', async () => {
  const fates = async (isLost: (reply: Reply) => boolean, ...statements: (pg.QueryConfig | string)[]) => {
    proxy.impose({ kind: 'lose-replies', isLost });
    const lost: boolean[] = [];
    let client = await connected(proxy.url);
    for (const statement of statements) {
      const error = await failure(client.query(statement));
      lost.push(error === 'ECONNRESET');
      if (error !== null) client = await connected(proxy.url);
    }
    await client.end();
    return lost;
  };
  const one = { name: 'one', text: 'select 1' };
  expect(await fates(everyNthWrite(2), insert(1), one, insert(2), insert(3), insert(4))).toEqual([
    false,
    false,
    true,
    false,
    true,
  ]);
  expect(await fates(everyCommit(), 'begin', insert(5), 'commit', 'begin', 'rollback')).toEqual([
    false,
    false,
    true,
    false,
    false,
  ]);
  expect(await fates(oncePerName(), one, one, insert(6), insert(7))).toEqual([true, false, true, false]);
  expect(await stored()).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it('resets what is open, and refuses what is new', async () => {
  const client = await connected(proxy.url);
  const statement = failure(client.query('select pg_sleep(60)'));
  await expect
    .poll(
      async () => (await direct.query(`select 1 from pg_stat_activity where query = 'select pg_sleep(60)'`)).rowCount,
    )
    .toBe(1);
  proxy.impose({ kind: 'refuse' });
  expect(proxy.reset()).toBe(1);
  expect(await statement).toBe('ECONNRESET');
  expect(await failure(connected(proxy.url))).toBe('ECONNRESET');
  proxy.pass();
  await (await connected(proxy.url)).end();
});

it('leaves connections half-open for good, and new ones only for as long as it lasts', async () => {
  const client = await connected(proxy.url);
  proxy.impose({ kind: 'half-open' });
  const statements = [failure(client.query(insert(1))), failure(connected(proxy.url))];
  await expect.poll(() => proxy.accepted).toBe(2);
  proxy.pass();
  const other = await connected(proxy.url);
  await other.query(insert(2));
  expect(await stored()).toEqual([2]);
  expect(await Promise.race([...statements, other.query('select 1').then(() => 'silence')])).toBe('silence');
  await other.end();
});

it('is slow in both directions, for a burst once, and byte by byte', async () => {
  const client = await connected(proxy.url);
  const time = async () => {
    const since = performance.now();
    await client.query('select 1');
    return performance.now() - since;
  };
  proxy.impose({ kind: 'latency', delayMs: 100 });
  expect(await time()).toBeGreaterThan(195);
  proxy.impose({ kind: 'trickle', byteIntervalMs: 2 });
  expect(await time()).toBeGreaterThan(100);
  await client.end();
});
