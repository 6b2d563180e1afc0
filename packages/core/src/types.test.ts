import { expectTypeOf, it } from 'vitest';
import { currentRun, type Perdure, type RunHandle, sleep, step, workflow } from './index.js';

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
  expectTypeOf(checkout.start).returns.resolves.toEqualTypeOf<RunHandle<number>>();
  expectTypeOf(checkout.with({ workflowId: 'a' }).start).parameters.toEqualTypeOf<[Order]>();

  const synchronous = workflow('types: synchronous', (text: string) => text.length);
  expectTypeOf(synchronous).returns.resolves.toEqualTypeOf<number>();
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
