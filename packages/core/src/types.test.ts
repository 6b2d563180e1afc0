import type { Transaction } from '@electric-sql/pglite';
import type pg from 'pg';
import { expectTypeOf, it } from 'vitest';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  currentRun,
  getEvent,
  type Perdure,
  readStream,
  setEvent,
  sleep,
  type StartedRun,
  step,
  stream,
  watch,
  workflow,
} from './index.js';

interface Order {
  readonly sku: string;
}

// The compiler checks these, as part of `npm run check`.
it('infers arguments and results from the functions', () => {
  const charge = step('charge', async (order: Order, cents: number) => ({ id: order.sku, cents }));
  expectTypeOf(charge).parameters.toEqualTypeOf<[Order, number]>();
  expectTypeOf(charge).returns.resolves.toEqualTypeOf<{ id: string; cents: number }>();
  expectTypeOf(charge.with({ retries: 3 })).parameters.toEqualTypeOf<[Order, number]>();

  const checkout = workflow('types: checkout', async (order: Order) => {
    const payment = await charge(order, 5);
    return payment.cents;
  });
  expectTypeOf(checkout).parameters.toEqualTypeOf<[Order]>();
  expectTypeOf(checkout).returns.resolves.toEqualTypeOf<number>();
  expectTypeOf(checkout.start).returns.resolves.toEqualTypeOf<StartedRun<number>>();
  expectTypeOf(checkout.with({ workflowId: 'a' }).start).parameters.toEqualTypeOf<[Order]>();

  const synchronous = workflow('types: synchronous', (text: string) => text.length);
  expectTypeOf(synchronous).returns.resolves.toEqualTypeOf<number>();
});

it('takes the clients of pg and PGlite for transactions', () => {
  const pgClient = () => step.transaction('types', async (tx: pg.PoolClient) => (await tx.query('select 1')).rowCount);
  expectTypeOf(pgClient).returns.resolves.toEqualTypeOf<number | null>();
  const pglite = () => step.transaction('types', async (tx: Transaction) => (await tx.exec('select 1')).length);
  expectTypeOf(pglite).returns.resolves.toEqualTypeOf<number>();
  const plain = () => step.transaction('types', async (tx) => (await tx.query<{ a: string }>('select 1')).rows);
  expectTypeOf(plain).returns.resolves.toEqualTypeOf<{ a: string }[]>();
  const prepared = () =>
    step.transaction('types', async (tx, pages) => (await tx.query('select $1', pages)).rows.length, {
      prepare: async () => ['page'],
      retries: 3,
    });
  expectTypeOf(prepared).returns.resolves.toEqualTypeOf<number>();
  const greet = workflow('types: greet', async (name: string) => name);
  expectTypeOf((client: pg.Client) => greet.with({ transaction: client })).toBeFunction();
  expectTypeOf((tx: Transaction) => greet.with({ transaction: tx })).toBeFunction();
});

it('types streams', () => {
  const orders = stream<Order>('orders');
  expectTypeOf(orders.append).parameters.toEqualTypeOf<Order[]>();
  expectTypeOf(orders.append).returns.resolves.toEqualTypeOf<void>();
  const read = async () => {
    for await (const item of readStream<Order>('run', 'orders')) {
      if (item.kind === 'value') return item.value;
      expectTypeOf(item.discarded).toEqualTypeOf<readonly { readonly first: number; readonly last: number }[]>();
      // @ts-expect-error -- a rollback has no value
      expectTypeOf(item.value).toBeUndefined();
    }
    return null;
  };
  expectTypeOf(read).returns.resolves.toEqualTypeOf<Order | null>();
  // @ts-expect-error -- a number is no order
  const append = () => orders.append(5);
  expectTypeOf(append).toBeFunction();
});

it('types streams and events by schemas', () => {
  const price = {} as StandardSchemaV1<{ euros: string }, { cents: number }>;
  const prices = stream('prices', { schema: price });
  expectTypeOf(prices.append).parameters.toEqualTypeOf<{ euros: string }[]>();
  const read = async () => {
    for await (const item of readStream('run', 'prices', { schema: price }))
      if (item.kind === 'value') return item.value;
    return null;
  };
  expectTypeOf(read).returns.resolves.toEqualTypeOf<{ cents: number } | null>();
  const set = () => setEvent('price', { euros: '1.50' }, { schema: price });
  expectTypeOf(set).returns.resolves.toEqualTypeOf<void>();
  // @ts-expect-error -- a number is no price
  const setWrong = () => setEvent('price', 5, { schema: price });
  expectTypeOf(setWrong).toBeFunction();
  const get = () => getEvent('run', 'price', { schema: price });
  expectTypeOf(get).returns.resolves.toEqualTypeOf<{ cents: number }>();
  const watched = () => watch('run', 'price', { schema: price }).next();
  expectTypeOf(watched).returns.resolves.toExtend<{ value: { cents: number } | void }>();
  expectTypeOf((engine: Perdure) => engine.getEvent('run', 'price', { schema: price })).returns.resolves.toEqualTypeOf<{
    cents: number;
  }>();
});

it('refuses what does not fit', () => {
  const checkout = workflow('types: refuses', async (order: Order) => order.sku);
  // @ts-expect-error -- a number is no order
  const call = () => checkout(5);
  // @ts-expect-error -- there is no such option
  const options = () => checkout.with({ workflowID: 'a' });
  // @ts-expect-error -- an argument is missing
  const start = () => checkout.start();
  expectTypeOf(call).toBeFunction();
  expectTypeOf(options).toBeFunction();
  expectTypeOf(start).toBeFunction();
});

it('types what surrounds a run', () => {
  expectTypeOf(step.run<string>).returns.resolves.toEqualTypeOf<string>();
  expectTypeOf(sleep).parameters.toEqualTypeOf<[number | string]>();
  expectTypeOf(currentRun).returns.toExtend<
    { readonly idempotencyKey: string; readonly signal: AbortSignal } | undefined
  >();
  expectTypeOf<Perdure['run']>().returns.toHaveProperty('cancel');
});
