import { queue, receive, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';

interface Order {
  readonly sku: string;
}

describe.each(databases)('in SQL on $name', ({ open }) => {
  it('a trigger starts and enqueues workflows and sends them messages, with the rows that it is about', async () => {
    const test = await freshDatabase(open);
    const add = workflow('add', async (a: number, b: number) => await step.run('add', () => a + b));
    const fulfil = workflow('fulfil', async (order: Order) => [order.sku, await receive('paid')]);
    queue('orders', { concurrency: 1 });
    const perdure = await launchEngine(test, { workflows: [add, fulfil], poll });
    const call = async (sql: string): Promise<void> => void (await test.administer(sql));
    await call(`select "${test.schema}".start('add', '[1, 2]', workflow_id => 'sum')`);
    expect(await perdure.run('sum').result()).toBe(3);
    await call(`select "${test.schema}".enqueue('orders', 'add', '[3, 4]', workflow_id => 'later', delay => '1 hour')`);
    expect(await perdure.run('later').status()).toMatchObject({ status: 'delayed', queue: 'orders' });
    await call(`
      create table "${test.schema}".orders (id integer, sku text);
      create function "${test.schema}".on_order() returns trigger language plpgsql as $$ begin
        perform "${test.schema}".enqueue('orders', 'fulfil', jsonb_build_array(to_jsonb(new)),
          workflow_id => 'order ' || new.id, key => new.sku, priority => 3);
        return null;
      end $$;
      create trigger on_order after insert on "${test.schema}".orders
        for each row execute function "${test.schema}".on_order();
      insert into "${test.schema}".orders values (7, 'cup')`);
    const send = `select "${test.schema}".send('order 7', 'paid', '{"cents": 5}', idempotency_key => 'p')`;
    await call(send);
    expect(await perdure.run('order 7').result()).toEqual(['cup', { cents: 5 }]);
    await call(send);
  });

  it('what is there already is the same run, unless it is another', async () => {
    const test = await freshDatabase(open);
    const add = workflow('add', async (a: number, b: { b: number; c: number }) => a + b.b + b.c);
    const perdure = await launchEngine(test, { workflows: [add], poll });
    const start = (args: string) => test.administer(`select "${test.schema}".start('add', '${args}', 'sum')`);
    await add.with({ engine: perdure, workflowId: 'sum' })(1, { b: 2, c: 3 });
    await start('[1, {"c": 3, "b": 2}]');
    await expect(start('[1, {"c": 4, "b": 2}]')).rejects.toMatchObject({ code: '23505' });
    await add.with({ engine: perdure, workflowId: 'sum' })(1, { c: 3, b: 2 });
  });

  it.each([
    [`start('add', '{}')`, '22023'],
    [`start('', '[]')`, '22023'],
    [`start(repeat('x', 256), '[]')`, '22023'],
    [`start('add', null)`, '22023'],
    [`enqueue('nowhere', 'add')`, '42704'],
    [`enqueue('known', 'add', units => 0)`, '22023'],
    [`enqueue('known', 'add', delay => '-1 s')`, '22023'],
    [`send('nobody', 'paid', '1')`, 'P0002'],
    [`send('ended', 'paid', '1')`, '55000'],
  ])('%s is refused, and nothing is stored', async (call, code) => {
    const test = await freshDatabase(open);
    const add = workflow('add', async () => 1);
    queue('known');
    const perdure = await launchEngine(test, { workflows: [add], poll });
    await add.with({ workflowId: 'ended', engine: perdure })();
    await expect(test.administer(`select "${test.schema}".${call}`)).rejects.toMatchObject({ code });
    const [row] = await test.database.query({
      name: `count ${test.schema}`,
      text: `select count(*)::int4 as runs from "${test.schema}".runs`,
      values: [],
    });
    expect(row).toEqual({ runs: 1 });
  });
});
