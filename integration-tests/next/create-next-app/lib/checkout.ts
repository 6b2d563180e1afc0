import { step, workflow } from '@perdure/core';

export interface Order {
  sku: string;
}

const charge = step('charge', async (order: Order) => `${order.sku} charged by ${process.pid} at ${performance.now()}`);

export const checkout = workflow('checkout', async (order: Order) => ({
  sku: order.sku,
  payment: await charge(order),
}));
