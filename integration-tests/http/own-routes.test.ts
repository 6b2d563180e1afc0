import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { step, workflow } from '@perdure/core';
import { expressAdapter, reply } from '@perdure/express';
import { type ConformanceOptions, idempotencyConformance } from '@perdure/testing/http';
import express from 'express5';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';

const [{ open }] = databases as [(typeof databases)[number]];

/** A shop with routes of all kinds, gone after the test. */
async function openShop(): Promise<string> {
  let made = 0;
  const order = workflow('own-routes: order', async (body: { sku: string }) =>
    reply(201, { no: await step.run('make', () => (made += 1)), sku: body.sku }),
  );
  const perdure = await launchEngine(await freshDatabase(open), {});
  const http = expressAdapter(perdure, { principal: (req) => req.get('x-user') });
  const app = express();
  app.use(express.json());
  const handler: express.RequestHandler = (_, res) => void res.status(201).json({ no: (made += 1) });
  app.post('/durable', http.durable(order));
  app.post('/idempotent', http.idempotent(handler));
  app.post('/optional', http.idempotent(handler, { required: false, syntax: 'strict' }));
  app.post('/plain', handler);
  app.use(http.problems());
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const payload = (no: number): { sku: string; quantity: number } => ({ sku: 'lamp', quantity: no });

const sendTo =
  (urlOf: () => string): ConformanceOptions['send'] =>
  async ({ key, body, principal }) => {
    const headers = {
      'content-type': 'application/json',
      'x-user': principal,
      ...(key === null ? {} : { 'idempotency-key': key }),
    };
    const response = await fetch(urlOf(), { method: 'POST', headers, body });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

describe.each(['/durable', '/idempotent', '/optional'])('the suite for routes of one’s own, on %s', (path) => {
  let url = '';
  beforeEach(async () => {
    url = (await openShop()) + path;
  });
  idempotencyConformance({
    it,
    send: sendTo(() => url),
    payload,
    required: path !== '/optional',
    lenient: path !== '/optional',
    hasPrincipals: true,
  });
});

it('the suite for routes of one’s own finds a route that knows no keys', async () => {
  const tests: { readonly title: string; readonly fn: () => Promise<void> }[] = [];
  const url = await openShop();
  idempotencyConformance({
    it: (title, fn) => tests.push({ title, fn }),
    send: sendTo(() => `${url}/plain`),
    payload,
    hasPrincipals: true,
  });
  const verdicts = await Promise.allSettled(tests.map(({ fn }) => fn()));
  const passed = tests.filter((_, no) => verdicts[no]?.status === 'fulfilled').map(({ title }) => title);
  // To a client, one that never repeats anything looks as if each key were new.
  expect(passed.map((title) => title.split('.')[0])).toEqual(['17']);
});
