/**
 * What pages take for granted: the reader's own application, in which the blocks of the documentation stand. Names that a block
 * neither declares nor imports are found here. What blocks call when they run is real; the rest has a type only.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { type Perdure, type queue, type RunHandle, type Slot, step, workflow } from '@perdure/core';
import type express from 'express';
import type pg from 'pg';
import { pino } from 'pino';
import type Stripe from 'stripe';
import { z } from 'zod';

export { pino, readFile, writeFile, z };

export interface Order {
  readonly id: string;
  readonly sku: string;
  readonly cents: number;
  readonly customer: string;
  readonly card: string;
  readonly manager: string;
}

export interface Payment {
  readonly id: string;
  readonly cents: number;
}

export interface Receipt {
  readonly order: string;
  readonly payment: string;
}

export const order: Order = {
  id: '42',
  sku: 'lamp',
  cents: 4_200,
  customer: 'ada',
  card: 'card_1',
  manager: 'boss@shop.example',
};
export const id = order.id;
export const receipt: Receipt = { order: '42', payment: 'payment of 42' };
export const payment: Payment = { id: 'payment of 42', cents: 4_200 };

export const payments = {
  charge: async ({ id: of, cents }: Order, _idempotencyKey?: string): Promise<Payment> => ({
    id: `payment of ${of}`,
    cents,
  }),
  refund: async (paid: Payment): Promise<string> => `refund of ${paid.id}`,
};
export const chargeCard = payments.charge;
export class CardDeclined extends Error {}

export const stock = {
  reserve: async (sku: string): Promise<string> => `${sku} reserved`,
  release: async (reservation: string): Promise<string> => `${reservation}, and released`,
};
export const shipping = {
  book: async ({ id: of }: Order): Promise<string> => `parcel of ${of}`,
};

export const carrier = { book: shipping.book };

export const charge = step('charge', async (of: Order) => await payments.charge(of));
export const ship = workflow('shop/ship', async (of: Order, paid: Payment): Promise<Receipt> => {
  return { order: of.id, payment: paid.id };
});
export const checkout = workflow('shop/checkout', async (of: Order): Promise<Receipt> => {
  return await ship(of, await charge(of));
});
export const checkForFraud = step('check for fraud', async (_of: Order, paid: Payment) => paid.cents < 1_000_000);
export const reminder = workflow('shop/reminder', async (whom: string) => `reminded ${whom}`);
export const refund = workflow('shop/refund', async (of: Order) => await payments.refund(await payments.charge(of)));

export interface Trip {
  readonly from: string;
  readonly to: string;
}
export const reserveSeat = step('reserve seat', async (trip: Trip) => `seat to ${trip.to}`);
export const releaseSeat = step('release seat', async (seat: string) => `${seat}, released`);
export const pay = step('pay', async (trip: Trip) => `paid for ${trip.to}`);

export interface Customer {
  readonly id: string;
  readonly email: string;
  readonly timeZone: string;
}
export const customer: Customer = { id: 'ada', email: 'ada@example.com', timeZone: 'Europe/London' };
export const customers = { find: async (_id: string): Promise<Customer> => customer };
export const rates = { today: async (): Promise<Readonly<Record<string, number>>> => ({ EUR: 1, USD: 1.1 }) };
export const compute = (_customer: Customer, today: Readonly<Record<string, number>>): number => today['EUR'] ?? 0;

export const mail = Object.assign(async (_to: string, _what: unknown): Promise<void> => {}, {
  send: async (_to: string, _what: unknown): Promise<void> => {},
});
export const mailManager = step('mail manager', async (of: Order) => `mailed ${of.manager}`);
export const sendMail = workflow('shop/send mail', async (of: Order) => `mailed ${of.customer}`);
export const printLabel = workflow('shop/print label', async (of: Order) => `label of ${of.id}`);

export interface Approval {
  readonly granted: boolean;
  readonly by: string;
}
export const buy = step('buy', async (of: Order, _approval?: Approval) => `${of.sku} bought`);
export const reject = step('reject', async (of: Order) => `${of.sku} rejected`);

export interface Invoice {
  readonly id: string;
  readonly to: string;
}
export const invoice: Invoice = { id: 'invoice-42', to: 'ada@example.com' };
export const render = async (of: Invoice): Promise<string> => `PDF of ${of.id}`;
export const sendInvoice = workflow('shop/invoice', async (of: Invoice) => await render(of));
export const shrink = async (image: string): Promise<string> => `small ${image}`;
export declare const images: ReturnType<typeof queue>;
export declare const invoices: ReturnType<typeof queue>;
export declare const syncs: ReturnType<typeof queue>;
export declare const saves: ReturnType<typeof queue>;
export const account = 'account-7';
export const doc = { id: 'doc-7', text: 'Hello' };
export const sync = workflow('shop/sync', async (of: string) => `synchronised ${of}`);
export const save = workflow('shop/save', async (of: typeof doc) => `saved ${of.id}`);

export const collect = async (at: Date): Promise<readonly string[]> => [at.toISOString()];
export const mailReport = async (_rows: readonly string[]): Promise<void> => {};
export const heartbeat = workflow('shop/heartbeat', async ({ at }: Slot) => at);
export const digest = workflow('shop/digest', async ({ input }: Slot) => `digest of ${JSON.stringify(input)}`);

export interface Progress {
  readonly done: number;
  readonly of: number;
}
export const index = step('index', async (file: string) => file.length);
export const bar = { update: (_share: unknown): void => {} };
export const page = { show: (_offset: number, _value: unknown): void => {}, takeBack: (_ranges: unknown): void => {} };
export const model = {
  async *generate(question: string): AsyncGenerator<string> {
    yield* question.split(' ');
  },
};

export const Row = z.object({ id: z.string(), amount: z.number() });
export const row = { id: '1', amount: 2 };

export const tenants = new AsyncLocalStorage<string>();
export const yesterday = new Date(Date.now() - 86_400_000);
export const lastYear = new Date(Date.now() - 365 * 86_400_000);
export const deploy = new Date(Date.now() - 3_600_000);
export const from = new Date(Date.now() - 7 * 86_400_000);
export const to = new Date();
export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
export const url = 'https://shop.example';
export const name = 'nightly report';

export declare const perdure: Perdure;
export declare const production: Perdure;
export declare const local: Perdure;
export declare const run: RunHandle<Receipt>;
export declare const client: pg.PoolClient;
export declare const app: express.Express;
export declare const stripe: Stripe;
export const intent: Stripe.PaymentIntentCreateParams = { amount: 4_200, currency: 'eur' };
export declare const event: { readonly id: string; readonly data: unknown };
/** Of Sequelize's page: what an application does with a request. */
export declare const request: Request;
export declare function handle(request: Request): Promise<Response>;
export declare function userOf(request: Request): { readonly id: string } | undefined;
export declare function tokenOf(principal: string | null): string;

declare global {
  namespace Express {
    /** What the reader's authentication puts there. */
    interface Request {
      readonly user?: { readonly id: string; readonly isSupport?: boolean };
      readonly tenant: { readonly id: string };
    }
  }
}
