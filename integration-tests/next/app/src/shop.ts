import { devNull } from 'node:os';
import { join } from 'node:path';
import { Perdure } from '@perdure/core';
import { nextAdapter, requestCarrier } from '@perdure/next';
import { defineShop } from '../../../http/children/shop';
import { shopTools } from '../../../http/children/shop-tools';
import type { ShopOptions } from '../../../http/shop-options.js';
import { LedgerWriter } from '../../../recovery/children/ledger-writer';

/** Whether this process is a shop; `next build` and the conformance list load this, too. */
export const isOpen = process.env['SHOP'] !== undefined;

const { url, schema, label, leaseMs, ...rest } = JSON.parse(process.env['SHOP'] ?? '{}') as ShopOptions;
export const { folder } = rest;

const ledger = new LedgerWriter(isOpen ? join(folder, 'ledger') : devNull, label);
export const { order, respond } = defineShop(shopTools(ledger, folder), label);

export const { register, perdure, withDurable, withIdempotency } = nextAdapter(
  () => Perdure.launch({ databaseUrl: url, schema, lease: leaseMs, carriers: [requestCarrier] }),
  { name: 'shop', drainMs: 200 },
);
