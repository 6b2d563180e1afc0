'use server';

import { durableAction, place } from '../../modes';

export const placeOrder = durableAction(place, {
  input: (sku: string, _key: string | null) => sku,
  key: (_sku, key) => key,
});
