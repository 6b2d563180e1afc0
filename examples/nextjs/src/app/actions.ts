'use server';

import { checkout, type Order, parseOrder } from '../checkout';
import { durableAction } from '../perdure';

/** Starts an order and answers at once. The same key again, from a second click say, is the same order. */
export const placeOrder = durableAction(checkout, {
  input: (order: Order, _key: string) => parseOrder(order),
  key: (_order: Order, key: string) => key,
});
