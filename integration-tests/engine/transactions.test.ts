import { randomUUID } from 'node:crypto';
import { type Perdure, step, type TransactionClient, workflow } from '@perdure/core';
import { createStore, type Database } from '@perdure/core/internal';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { TransactionInDoubtError } from '../../packages/core/src/database/transaction-errors.js';
import { deferred } from '../../packages/core/src/util/deferred.js';
import { databases, type TestDatabase } from '../support/databases.js';
import { lane, pollIfToldNothing } from '../support/lanes.js';
import { passOn } from '../support/pass-on.js';
import { freshDatabase, launchEngine } from '../support/engines.js';

describe.each(databases)('a transactional step on $name', ({ name, open }) => {
  let test: TestDatabase;
  let table: string;
  let count = 0;
  const nameOf = (what: string): string => `${name}: ${what} ${++count}`;

  beforeEach(async () => {
    test = await freshDatabase(open);
    table = `"${test.schema}".bookings`;
    await test.administer(`create schema if not exists "${test.schema}"; create table ${table} (id text, note text)`);
  });

  const book = async (tx: TransactionClient, id: string): Promise<string> => {
    await tx.query(`insert into ${table} (id) values ($1)`, [id]);
    return `booked ${id}`;
  };
  const rows = async (where = 'true'): Promise<number> => {
    const [row] = await test.database.query<{ count: number }>({
      name: `count_${randomUUID()}`,
      text: `select count(*)::int4 as count from ${table} where ${where}`,
      values: [],
    });
    return row?.count ?? -1;
  };

  it('commits its data and its checkpoint together', async () => {
    const booking = workflow(nameOf('together'), () => step.transaction('book', (tx) => book(tx, 'a')));
    const perdure = await launchEngine(test, { workflows: [booking] });
    expect(await booking.with({ engine: perdure })()).toBe('booked a');
    const [row] = await test.database.query<{ same: boolean }>({
      name: `xmin_${randomUUID()}`,
      text: `select b.xmin = t.xmin as same from ${table} b cross join "${test.schema}".transactions t`,
      values: [],
    });
    expect(row).toEqual({ same: true });
  });

  it('rolls back when its body throws, and is retried like any step', async () => {
    let tries = 0;
    const booking = workflow(nameOf('retried'), () =>
      step.transaction(
        'book',
        async (tx) => {
          await book(tx, `try ${++tries}`);
          if (tries < 3) throw new RangeError(`try ${tries}`);
        },
        { retries: 2, backoff: { initial: 1 } },
      ),
    );
    const hopeless = workflow(nameOf('hopeless'), () =>
      step.transaction('book', async (tx) => {
        await book(tx, 'never');
        throw new RangeError('no');
      }),
    );
    const perdure = await launchEngine(test, { workflows: [booking, hopeless] });
    await booking.with({ engine: perdure })();
    await expect(hopeless.with({ engine: perdure })()).rejects.toMatchObject({ name: 'RangeError', message: 'no' });
    expect([await rows(), await rows(`id = 'try 3'`)]).toEqual([1, 1]);
  });

  it('fails with the error of its statement, also when the body went on regardless', async () => {
    const booking = workflow(nameOf('swallowed'), () =>
      step.transaction('book', async (tx) => {
        await book(tx, 'a');
        await tx.query('select 1 / 0').catch(() => {});
      }),
    );
    const perdure = await launchEngine(test, { workflows: [booking] });
    await expect(booking.with({ engine: perdure })()).rejects.toMatchObject({ message: 'division by zero' });
    expect(await rows()).toBe(0);
  });

  it('prepares before its transaction begins, and records only what its function returns', async () => {
    const booking = workflow(nameOf('prepared'), () =>
      step.transaction('book', async (tx, document) => `${await book(tx, 'a')}, ${document.length} characters`, {
        // PGlite has one connection: in the transaction this would wait for ever.
        prepare: async () => `${await rows()} bookings`.padEnd(100, '.'),
      }),
    );
    const perdure = await launchEngine(test, { workflows: [booking] });
    const run = await booking.with({ engine: perdure }).start();
    expect(await run.result()).toBe('booked a, 100 characters');
    const archive = JSON.stringify(await perdure.runs.export(run.workflowId));
    expect(archive).toContain('100 characters');
    expect(archive).not.toContain('0 bookings');
  });

  it('prepares again in each try, and begins no transaction where that fails', async () => {
    let [prepared, begun] = [0, 0];
    const booking = workflow(nameOf('unprepared'), () =>
      step.transaction('book', (tx, id) => book(tx, id), {
        prepare: () => {
          prepared += 1;
          if (prepared < 3) throw new RangeError(`try ${prepared}`);
          return `try ${prepared}`;
        },
        retries: 2,
        backoff: { initial: 1 },
      }),
    );
    const counting: Database = {
      ...passOn(test.database),
      async sharedTransaction(work, options) {
        begun += 1;
        return await test.database.sharedTransaction(work, options);
      },
    };
    const perdure = await launchEngine(test, { database: counting, workflows: [booking] });
    expect(await booking.with({ engine: perdure })()).toBe('booked try 3');
    expect([prepared, begun, await rows()]).toEqual([3, 1, 1]);
  });

  it('does not begin again when the process died after its commit', async () => {
    let begun = 0;
    let prepared = 0;
    const booking = workflow(nameOf('died'), async () => {
      const booked = await step.transaction(
        'book',
        (tx, id) => {
          begun += 1;
          return book(tx, id);
        },
        { prepare: () => (prepared++, 'a') },
      );
      return `${booked}, then ${await step.run('after', () => 'more')}`;
    });
    // The first engine commits, and never hears of it.
    const committed = deferred<void>();
    const dying: Database = {
      ...passOn(test.database),
      async sharedTransaction(work, options) {
        await test.database.sharedTransaction(work, options);
        committed.resolve();
        return await new Promise(() => {});
      },
    };
    const first = await launchEngine(test, { database: dying, workflows: [booking] });
    const { workflowId } = await booking.with({ engine: first }).start();
    await committed.promise;
    await first.shutdown({ drainMs: 0 });
    const second = await launchEngine(test, { workflows: [booking] });
    expect(await second.run(workflowId).result()).toBe('booked a, then more');
    expect([prepared, begun, await rows()]).toEqual([1, 1, 1]);
  });

  it.each(['lost after the commit', 'never sent'])('takes effect once when COMMIT was %s', async (fault) => {
    const booking = workflow(nameOf('lost'), () => step.transaction('book', (tx) => book(tx, 'a')));
    let transactions = 0;
    const faulty: Database = {
      ...passOn(test.database),
      async sharedTransaction(work, options) {
        if (transactions++ > 0) return await test.database.sharedTransaction(work, options);
        if (fault === 'lost after the commit') await test.database.sharedTransaction(work, options);
        else {
          const rolledBack = test.database.sharedTransaction(async (tx) => {
            await work(tx);
            throw new Error('the connection is gone');
          }, options);
          await rolledBack.catch(() => {});
        }
        throw new TransactionInDoubtError(new Error('Connection terminated'));
      },
    };
    const perdure = await launchEngine(test, { database: faulty, workflows: [booking] });
    expect(await booking.with({ engine: perdure })()).toBe('booked a');
    const needed = fault === 'never sent' ? 2 : 1;
    // Behind a pooler, one in which the name of a statement is taken is repeated.
    expect(lane.has('pgbouncer') ? [needed, needed + 1] : [needed]).toContain(transactions);
    expect(await rows()).toBe(1);
  });

  it('refuses to have its transaction ended by its body', async () => {
    const booking = workflow(nameOf('ended'), () =>
      step.transaction('book', async (tx) => {
        await tx.query('rollback');
        await tx.query('select 1');
      }),
    );
    const perdure = await launchEngine(test, { workflows: [booking] });
    await expect(booking.with({ engine: perdure })()).rejects.toMatchObject({
      code: 'PERDURE_INVALID_ARGUMENT',
      message: expect.stringContaining('ended its transaction itself') as string,
    });
  });

  it('lets nobody use its transaction after the end', async () => {
    const leaked = deferred<TransactionClient>();
    const booking = workflow(nameOf('leaked'), () => step.transaction('book', (tx) => leaked.resolve(tx)));
    const perdure = await launchEngine(test, { workflows: [booking] });
    await booking.with({ engine: perdure })();
    const tx = await leaked.promise;
    expect(() => tx.query('select 1')).toThrow('A transaction was used after its end');
  });

  it('ends at its timeout, and leaves nothing behind', async () => {
    const booking = workflow(nameOf('timeout'), () =>
      step.transaction(
        'book',
        async (tx) => {
          await book(tx, 'a');
          await new Promise(() => {});
        },
        { timeout: 50 },
      ),
    );
    const perdure = await launchEngine(test, { workflows: [booking] });
    await expect(booking.with({ engine: perdure })()).rejects.toMatchObject({ code: 'PERDURE_STEP_TIMEOUT' });
    expect(await rows()).toBe(0);
  });

  it('starts runs that exist only if it commits', async () => {
    const mail = workflow(nameOf('mail'), async (to: string) => step.run('send', () => `sent to ${to}`));
    let tries = 0;
    const booking = workflow(nameOf('starter'), async () => {
      const mailId = await step.transaction(
        'book',
        async (tx) => {
          tries += 1;
          await book(tx, 'a');
          const run = await mail.with({ workflowId: `${test.schema}-${tries}` }).start('Ada');
          if (tries === 1) throw new Error('not yet');
          return run.workflowId;
        },
        { retries: 1, backoff: { initial: 1 } },
      );
      return mailId;
    });
    const perdure = await launchEngine(test, { workflows: [mail, booking] });
    const mailId = await booking.with({ engine: perdure })();
    expect(mailId).toBe(`${test.schema}-2`);
    expect(await perdure.run(mailId).result()).toBe('sent to Ada');
    await expect(perdure.run(`${test.schema}-1`).status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });

  it('refuses what would wait for its own end', async () => {
    const other = workflow(nameOf('other'), async () => 1);
    const messages: string[] = [];
    const note = (error: unknown): void => void messages.push((error as Error).message);
    const booking = workflow(nameOf('waits'), () =>
      step.transaction('book', async () => {
        await other().catch(note);
        await perdure.run('x').result().catch(note);
        await perdure.run('x').status().catch(note);
        await perdure.run('x').cancel().catch(note);
        await step.transaction('inner', () => {}).catch(note);
      }),
    );
    const perdure = await launchEngine(test, { workflows: [other, booking] });
    await booking.with({ engine: perdure })();
    expect(messages).toEqual([
      expect.stringContaining('was called in a transaction'),
      expect.stringContaining('result() was called in the body'),
      expect.stringContaining('status() was called in the body'),
      expect.stringContaining('cancel() was called in the body'),
      expect.stringContaining('begins within another one'),
    ]);
  });

  it('is a plain transaction outside a workflow', async () => {
    const perdure = await launchEngine(test, { workflows: [] });
    await perdure.within(() => step.transaction('book', (tx, id) => book(tx, id), { prepare: async () => 'a' }));
    const failed = perdure.within(() =>
      step.transaction('book', async (tx) => {
        await book(tx, 'b');
        throw new Error('no');
      }),
    );
    await expect(failed).rejects.toThrow('no');
    expect(await rows()).toBe(1);
  });

  it('refuses a start in a transaction that comes from a workflow itself', async () => {
    const other = workflow(nameOf('child'), async () => 1);
    const parent = workflow(nameOf('parent'), async () => {
      const transaction = {} as TransactionClient;
      return await other
        .with({ transaction })
        .start()
        .catch((error: unknown) => (error as Error).message);
    });
    const perdure = await launchEngine(test, { workflows: [other, parent] });
    expect(await parent.with({ engine: perdure })()).toContain('nothing that a workflow itself does can be in one');
  });
});

describe('a transactional step on Postgres', () => {
  const [{ open } = { open: () => Promise.reject(new Error('there is no Postgres')) }] = databases;
  let test: TestDatabase;
  let table: string;

  beforeEach(async () => {
    test = await freshDatabase(open);
    table = `"${test.schema}".counters`;
    await test.administer(
      `create schema if not exists "${test.schema}"; create table ${table} (value int); insert into ${table} values (0)`,
    );
  });

  it('cannot commit once its executor was revoked; another one does it', async () => {
    const store = createStore(test.database, test.schema);
    let begun = 0;
    const add = workflow(`revoked ${test.schema}`, () =>
      step.transaction('add', async (tx) => {
        begun += 1;
        const own = begun;
        await tx.query(`update ${table} set value = value + $1`, [own]);
        if (own === 1) await store.executors.revoke({ executorId: perdure.executorId ?? '', now: null });
        return own;
      }),
    );
    const perdure = await launchEngine(test, { workflows: [add], lease: '900ms' });
    expect(await add.with({ engine: perdure })()).toBe(2);
    const [row] = await test.database.query({ name: 'counter', text: `select value from ${table}`, values: [] });
    expect(row).toEqual({ value: 2 });
  });

  it('is run again when it could not be serialized, and counts no try for it', async () => {
    let begun = 0;
    const add = workflow(`serializable ${test.schema}`, () =>
      step.transaction(
        'add',
        async (tx) => {
          begun += 1;
          const { rows } = await tx.query<{ value: number }>(`select value from ${table}`);
          await tx.query(`update ${table} set value = $1`, [(rows[0]?.value ?? 0) + 1]);
        },
        { isolationLevel: 'serializable' },
      ),
    );
    const perdure = await launchEngine(test, { workflows: [add] });
    await Promise.all(Array.from({ length: 5 }, () => add.with({ engine: perdure })()));
    const [row] = await test.database.query({ name: 'counter', text: `select value from ${table}`, values: [] });
    expect(row).toEqual({ value: 5 });
    expect(begun).toBeGreaterThan(5);
  });

  it('commits at repeatable read, though heartbeats came meanwhile', async () => {
    let begun = 0;
    const slow = workflow(`repeatable ${test.schema}`, () =>
      step.transaction(
        'slow',
        async (tx) => {
          begun += 1;
          await tx.query(`update ${table} set value = value + 1`);
          const lease = async (): Promise<unknown> =>
            await test.database.query({
              name: `lease_${test.schema}`,
              text: `select lease_until from "${test.schema}".leases`,
              values: [],
            });
          const before = await lease();
          await expect.poll(lease).not.toEqual(before);
        },
        { isolationLevel: 'repeatable read' },
      ),
    );
    const perdure = await launchEngine(test, { workflows: [slow], lease: '900ms' });
    await slow.with({ engine: perdure })();
    expect(begun).toBe(1);
  });

  it('holds up no checkpoint, however many of them wait', async () => {
    const [gate, entered] = [deferred<void>(), { count: 0 }];
    const waits = workflow(`waits ${test.schema}`, (n: number) =>
      step.transaction('wait', async (tx) => {
        entered.count += 1;
        await gate.promise;
        await tx.query(`update ${table} set value = value + 1`);
        return n;
      }),
    );
    const works = workflow(`works ${test.schema}`, () => step.run('work', () => 'worked'));
    const perdure = await launchEngine(test, { workflows: [waits, works] });
    const waiting = Array.from({ length: 12 }, (_, n) => waits.with({ engine: perdure })(n));
    await expect.poll(() => entered.count).toBe(5);
    expect(await works.with({ engine: perdure })()).toBe('worked');
    gate.resolve();
    expect(await Promise.all(waiting)).toHaveLength(12);
  });
});

describe('a start in a transaction of the caller', () => {
  const url = inject('postgresUrl');
  let test: TestDatabase;
  let client: pg.Client;
  const greet = workflow('transactions: greet', async (whom: string) => await step.run('greet', () => `hello ${whom}`));

  beforeEach(async () => {
    const [postgres] = databases;
    test = await freshDatabase(postgres!.open);
    client = new pg.Client(url);
    await client.connect();
  });
  afterEach(() => client.end());

  const within = (perdure: Perdure, workflowId: string) =>
    greet.with({ engine: perdure, workflowId, transaction: client });

  it('runs when it commits, and never was when it does not', async () => {
    const perdure = await launchEngine(test, { workflows: [greet], poll: pollIfToldNothing });
    await client.query('begin');
    const kept = await within(perdure, 'kept').start('Ada');
    expect(kept.workflowId).toBe('kept');
    await expect(perdure.run('kept').status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    await client.query('commit');
    expect(await kept.result()).toBe('hello Ada');

    await client.query('begin');
    await within(perdure, 'dropped').start('Ada');
    await client.query('rollback');
    await expect(perdure.run('dropped').status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });

  it('is found by polling alone', async () => {
    const perdure = await launchEngine(test, { workflows: [greet], notifications: false, poll: '20ms' });
    await client.query('begin');
    const run = await within(perdure, 'polled').start('Ada');
    await client.query('commit');
    expect(await run.result()).toBe('hello Ada');
  });

  it('is the same run for the same id, and a conflict with another input', async () => {
    const perdure = await launchEngine(test, { workflows: [greet] });
    await client.query('begin');
    await within(perdure, 'twice').start('Ada');
    await within(perdure, 'twice').start('Ada');
    await expect(within(perdure, 'twice').start('Bea')).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_CONFLICT' });
    await client.query('commit');
    expect(await perdure.run('twice').result()).toBe('hello Ada');
  });

  it('refuses what is no transaction, and a call that would wait for its end', async () => {
    const perdure = await launchEngine(test, { workflows: [greet] });
    const pool = new pg.Pool({ connectionString: url });
    const bind = (transaction: unknown) =>
      greet.with({ engine: perdure, transaction: transaction as TransactionClient });
    await expect(bind(pool).start('Ada')).rejects.toThrow('transaction is a Pool');
    await expect(bind({}).start('Ada')).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    await expect(bind(client)('Ada')).rejects.toThrow('was called in a transaction');
    await pool.end();
  });

  it.skipIf(lane.size > 0)('works with a transaction of PGlite', async () => {
    const pglite = await PGlite.create();
    const [, embedded] = databases;
    const memory = await freshDatabase(embedded!.open);
    const { embedded: open } = await import('@perdure/core');
    const database = open({ pglite });
    const perdure = await launchEngine({ ...memory, database }, { workflows: [greet] });
    const run = await pglite.transaction((tx) => greet.with({ engine: perdure, transaction: tx }).start('Ada'));
    expect(await run.result()).toBe('hello Ada');
    await expect(greet.with({ engine: perdure, transaction: pglite }).start('Ada')).rejects.toThrow(
      'pglite.transaction()',
    );
    await perdure.shutdown();
    await pglite.close();
  });
});
