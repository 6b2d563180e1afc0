'use server';

import { checkout, type Order } from '../checkout';
import { durableAction } from '../perdure';

/** Starts an order and answers at once. The same key again, from a second click say, is the same order. */
export const placeOrder = durableAction(checkout, {
  input: (order: Order, _key: string) => order,
  key: (_order: Order, key: string) => key,
});
