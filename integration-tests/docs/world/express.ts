/** What docs/express.md takes for granted, in the server and in the browser. */
import type { ExpressHttp } from '@perdure/express';
import type { Workflow } from '@perdure/core';
import { corsHeaders } from '@perdure/http';
import type express from 'express';
import { z } from 'zod';
import type { Order, Payment } from './shop.js';

export { corsHeaders };
export declare const http: ExpressHttp;
export declare function cors(options: { allowedHeaders: string[]; exposedHeaders: string[] }): express.RequestHandler;
export const orderSchema = z.object({
  id: z.string(),
  sku: z.string(),
  cents: z.number(),
  customer: z.string(),
  card: z.string(),
  manager: z.string(),
});
export declare const report: Workflow<[Order], string>;
export declare const refundOrder: Workflow<[unknown], Payment>;
