import { type Perdure, type Workflow, workflow } from '@perdure/core';
import express, { type Request, type RequestHandler } from 'express';
import { expectTypeOf, it } from 'vitest';
import { type ExpressHttp, expressAdapter } from './index.js';

interface Order {
  readonly sku: string;
}

declare const http: ExpressHttp;
declare const checkout: Workflow<[Order], { readonly id: number }>;

// The compiler checks these, as part of `npm run check`; none of it is called.
it('gives routes the types that Express gives them', () => {
  const app = express();
  const routes = () => {
    app.post('/orders', http.durable(checkout));
    app.post(
      '/orders/:sku',
      http.durable(checkout, (req) => ({ sku: String(req.params['sku']) })),
    );
    app.post(
      '/orders/:sku',
      http.idempotent((req, res) => {
        expectTypeOf(req.params['sku']).toExtend<string | string[] | undefined>();
        res.status(201).json({ sku: req.params['sku'] });
      }),
    );
    app.use('/runs', http.bind(), http.rebind(), http.runs());
    app.use(http.problems());
  };
  expectTypeOf(routes).toBeFunction();
  const typed = () =>
    http.idempotent((req: Request<{ id: string }, { ok: boolean }, Order>, res) => {
      expectTypeOf(req.body).toEqualTypeOf<Order>();
      expectTypeOf(req.params.id).toEqualTypeOf<string>();
      // @ts-expect-error -- the body of the response has another type
      res.json({ ok: 1 });
    });
  expectTypeOf(typed).returns.toExtend<RequestHandler<{ id: string }, { ok: boolean }, Order>>();
});

it('refuses what does not fit', () => {
  // @ts-expect-error -- the workflow takes orders
  const input = () => http.durable(checkout, () => 5);
  // @ts-expect-error -- there is no such option
  const options = () => http.durable(checkout, undefined, { waits: 5 });
  const numbers = workflow('types: numbers', async (n: number) => n);
  const later = () => http.durable(numbers, async (req) => Number(req.params['n']));
  const adapter = (perdure: Perdure) =>
    expressAdapter(perdure, { principal: (req) => req.get('x-user'), authorize: 'owner' });
  expectTypeOf(input).toBeFunction();
  expectTypeOf(options).toBeFunction();
  expectTypeOf(later).returns.toExtend<RequestHandler>();
  expectTypeOf(adapter).returns.toEqualTypeOf<ExpressHttp>();
});
