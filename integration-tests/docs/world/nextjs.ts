/** What docs/nextjs.md takes for granted. */
import { Perdure } from '@perdure/core';
import { nextAdapter } from '@perdure/next';
import type { z } from 'zod';
import type { Order } from './shop.js';

export declare function sessionOf(request: Request): Promise<{ readonly userId: string } | null>;
export declare const orderSchema: z.ZodType<Order>;
export declare const workflowId: string | null;
export const { register, withDurable, withIdempotency, durableAction, runs, cron } = nextAdapter(() =>
  Perdure.launch(),
);
