import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArrayParameter, Database, Parameter, Row, Scalar } from '../../packages/core/src/database/database.js';
import { type TestDatabase, databases } from '../support/databases.js';

describe.each(databases)('the driver of $name', ({ open }) => {
  let test: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    test = await open();
    database = test.database;
    await database.script(`create schema ${test.schema}; create table ${test.schema}.item (id text primary key)`);
  });
  afterAll(() => test.dispose());

  const run = <R extends Row>(text: string, ...values: Parameter[]): Promise<R[]> =>
    database.query<R>({ name: `test ${text}`, text, values });
  const insert = (id: string) => ({
    name: 'insert_item',
    text: `insert into ${test.schema}.item values ($1::text)`,
    values: [id],
  });
  const ids = async () =>
    (await run<{ id: string }>(`select id from ${test.schema}.item order by id`)).map((row) => row.id);

  describe('parameters', () => {
    it.each<[string, Scalar, string | null]>([
      ['text', '', ''],
      ['text', `quotes ' " \\ {a,b} NULL \n é😀`, `quotes ' " \\ {a,b} NULL \n é😀`],
      ['text', null, null],
      ['int4', -5, '-5'],
      ['int8', 2 ** 53 - 1, '9007199254740991'],
      ['int8', null, null],
      ['float8', 1.5, '1.5'],
      ['bool', true, 'true'],
      ['bool', false, 'false'],
      ['uuid', '0193c5a0-0000-7000-8000-00000000000f', '0193c5a0-0000-7000-8000-00000000000f'],
    ])('%s %j', async (type, value, expected) => {
      expect(await run(`select $1::${type}::text as value`, value)).toEqual([{ value: expected }]);
    });

    it.each<ArrayParameter>([
      { arrayOf: 'text', values: [] },
      { arrayOf: 'text', values: ['', null, 'NULL', '{}', ',', `'"\\`, ' ', '\n', 'é😀'] },
      { arrayOf: 'text', values: [null] },
      { arrayOf: 'text', values: Array.from({ length: 10_000 }, (_, index) => `row ${index}`) },
      { arrayOf: 'int4', values: [0, null, -1, 2 ** 31 - 1, -(2 ** 31)] },
      { arrayOf: 'int8', values: [0, null, -1, 2 ** 53 - 1, -(2 ** 53 - 1)] },
      { arrayOf: 'bool', values: [true, null, false] },
      { arrayOf: 'uuid', values: ['0193c5a0-0000-7000-8000-00000000000f', null] },
    ])('$arrayOf[] $values', async (array) => {
      const rows = await run<{ value: string | null }>(
        `select item::text as value from unnest($1::${array.arrayOf}[]) with ordinality as list(item, no) order by no`,
        array,
      );
      expect(rows.map((row) => row.value)).toEqual(
        array.values.map((value) => (value === null ? null : String(value))),
      );
    });

    it('several arrays beside scalars', async () => {
      const rows = await run(
        'select $1::text as t, a, b::float8 as b from unnest($2::text[], $3::int8[]) as list(a, b)',
        'x',
        { arrayOf: 'text', values: ['one', null] },
        { arrayOf: 'int8', values: [1, 2 ** 53 - 1] },
      );
      expect(rows).toEqual([
        { t: 'x', a: 'one', b: 1 },
        { t: 'x', a: null, b: 2 ** 53 - 1 },
      ]);
    });

    it('refuses NUL, in a scalar and in an array, with the SQLSTATE of it', async () => {
      await expect(run('select $1::text', 'a\0b')).rejects.toMatchObject({ code: '22021' });
      await expect(run('select $1::text[]', { arrayOf: 'text', values: ['a\0b'] })).rejects.toMatchObject({
        code: '22021',
      });
    });
  });

  describe('transaction', () => {
    it('commits what its work did, and returns its result', async () => {
      const result = await database.transaction(async (tx) => {
        await tx.query(insert('committed 1'));
        await tx.script(`insert into ${test.schema}.item values ('committed 2')`);
        return 'done';
      });
      expect(result).toBe('done');
      expect(await ids()).toEqual(expect.arrayContaining(['committed 1', 'committed 2']));
    });

    it('rolls back when its work rejects, with that very error', async () => {
      const reason = new Error('no');
      const transaction = database.transaction(async (tx) => {
        await tx.query(insert('rolled back'));
        throw reason;
      });
      await expect(transaction).rejects.toBe(reason);
      expect(await ids()).not.toContain('rolled back');
    });

    it('rejects when a statement in it failed, although its work went on regardless', async () => {
      const transaction = database.transaction(async (tx) => {
        await tx.query(insert('swallowed'));
        await tx.query(insert('swallowed')).catch(() => {});
      });
      await expect(transaction).rejects.toMatchObject({ code: '25P02' });
      expect(await ids()).not.toContain('swallowed');
      await expect(run('select 1 as one')).resolves.toEqual([{ one: 1 }]);
    });

    it('rejects with the error of a constraint that is checked at commit', async () => {
      await database.script(
        `create table ${test.schema}.child (id text references ${test.schema}.item deferrable initially deferred)`,
      );
      const transaction = database.transaction((tx) => tx.script(`insert into ${test.schema}.child values ('nobody')`));
      await expect(transaction).rejects.toMatchObject({ code: '23503' });
      await expect(run('select 1 as one')).resolves.toEqual([{ one: 1 }]);
    });

    it('takes statements side by side, one after another', async () => {
      const rows = await database.transaction((tx) =>
        Promise.all([1, 2, 3, 4].map((no) => tx.query({ name: 'one', text: 'select $1::int4 as no', values: [no] }))),
      );
      expect(rows.flat()).toEqual([{ no: 1 }, { no: 2 }, { no: 3 }, { no: 4 }]);
    });

    it('refuses statements after its end', async () => {
      const tx = await database.transaction(async (tx) => ({ late: () => tx.query(insert('late')) }));
      await expect(tx.late()).rejects.toThrow(/transaction/i);
      expect(await ids()).not.toContain('late');
    });

    it('holds up no query of others for ever', async () => {
      let finish: (() => void) | undefined;
      const transaction = database.transaction(async (tx) => {
        await tx.query(insert('slow'));
        await new Promise<void>((resolve) => (finish = resolve));
      });
      await expect.poll(() => finish).toBeDefined();
      const queries = Array.from({ length: 20 }, (_, no) => run('select $1::int4 as no', no));
      const other = database.transaction((tx) => tx.query(insert('other')));
      setTimeout(() => finish?.(), 50);
      await Promise.all([transaction, other, ...queries]);
      expect(await ids()).toEqual(expect.arrayContaining(['slow', 'other']));
    });
  });

  describe('listen', () => {
    const notify = (channel: string, payload: string) =>
      run('select pg_notify($1::text, $2::text)::text', channel, payload);

    it('hears its channel, whatever its name, until it unsubscribes', async () => {
      const channel = `My "Channel" ${test.schema.slice(0, 20)}`;
      const [first, second]: string[][] = [[], []];
      const subscription = await database.listen(
        channel,
        (payload) => first!.push(payload),
        () => {},
      );
      const other = await database.listen(
        channel,
        (payload) => second!.push(payload),
        () => {},
      );

      await notify(channel, 'one');
      await notify(`${channel}2`, 'elsewhere');
      await expect.poll(() => [first, second]).toEqual([['one'], ['one']]);

      await subscription.unsubscribe();
      await notify(channel, 'two');
      await expect.poll(() => second).toEqual(['one', 'two']);
      await other.unsubscribe();
      await notify(channel, 'three');
      const again: string[] = [];
      const last = await database.listen(
        channel,
        (payload) => again.push(payload),
        () => {},
      );
      await notify(channel, 'four');
      await expect.poll(() => again).toEqual(['four']);
      await last.unsubscribe();
      expect([first, second]).toEqual([['one'], ['one', 'two']]);
    });

    it('hears nothing of a transaction that rolled back', async () => {
      const heard: string[] = [];
      const subscription = await database.listen(
        'rolled',
        (payload) => heard.push(payload),
        () => {},
      );
      await database
        .transaction(async (tx) => {
          await tx.query({ name: 'notify', text: `select pg_notify('rolled', 'never')::text`, values: [] });
          throw new Error('no');
        })
        .catch(() => {});
      await notify('rolled', 'after');
      await expect.poll(() => heard).toEqual(['after']);
      await subscription.unsubscribe();
    });
  });

  it('refuses statements after close, which may be called again', async () => {
    const other = await test.reopen();
    await other.query({ name: 'one', text: 'select 1', values: [] });
    await Promise.all([other.close(), other.close()]);
    await other.close();
    if (database.kind === 'pglite') return; // there it is a view, which stays usable
    await expect(other.script('select 1')).rejects.toMatchObject({ code: 'PERDURE_DATABASE_CLOSED' });
  });
});
