import { step, type Workflow, workflow } from '@perdure/core';
import { currentRequest } from '@perdure/http';
import type { ShopTools } from './shop-tools.js';

interface Order {
  readonly sku: string;
}

interface Done {
  readonly reservation: string;
  readonly payment: string;
}

export interface Shop {
  readonly order: Workflow<[Order], Done>;
  /** What a plain handler does with an order, and answers. */
  respond(order: Order): Promise<Done & { readonly answeredBy: string }>;
}

/** What a shop does whose workflow is a function, whatever framework serves it. It stops at gates, which are files. */
export function defineShop({ ledger, gate }: ShopTools, label: string): Shop {
  const noted = <T>(name: string, body: () => T | Promise<T>): Promise<T> => step.run(name, () => ledger.noted(body));

  const order = workflow('order', async (input: Order) => {
    const reservation = await noted('reserve', () => `${input.sku} reserved by ${label}`);
    const payment = await noted('charge', async () => {
      await gate('charge');
      return `charged by ${label}`;
    });
    await noted('ship', () => ledger.note('works for', currentRequest()?.requestId ?? 'nobody'));
    return { reservation, payment };
  });

  return {
    order,
    async respond(input) {
      const done = await order(input);
      await gate('respond');
      return { ...done, answeredBy: label };
    },
  };
}
