import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  type Carrier,
  completeToken,
  createToken,
  log,
  logContext,
  queue,
  receive,
  setEvent,
  step,
  stream,
  workflow,
} from '@perdure/core';
import { expressAdapter, logContext as requestLogContext } from '@perdure/express';
import express from 'express5';
import pino from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { send } from '../http/http-client.js';
import { jsonLines } from '../logging/lines.js';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { gate } from '../support/gate.js';

const canary = 'c4n4ry';

/** What a secret would look like in another place. */
const disguises = [
  canary,
  ...[0, 1, 2].map((shift) =>
    Buffer.from('x'.repeat(shift) + canary)
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  ),
  Buffer.from(canary).toString('hex'),
].filter((text) => text.length >= 4);

/** An error that tells a secret wherever an error can. */
class SecretError extends Error {
  override readonly name = `${canary}Error`;
  readonly code = canary;
  readonly token = canary;

  constructor() {
    super(`the password is ${canary}`, { cause: new Error(canary) });
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('what is secret in inputs, results, headers, errors and URLs is in no exported byte and no line of a log', async () => {
  let exported = '';
  const take = async (request: IncomingMessage): Promise<void> => {
    for await (const chunk of request) exported += String(chunk);
  };
  const receiver = await listen(createServer((request, response) => void take(request).then(() => response.end('{}'))));
  const provider = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${receiver}/v1/metrics` }),
        exportIntervalMillis: 3_600_000,
      }),
    ],
  });
  metrics.disable();
  metrics.setGlobalMeterProvider(provider);
  onTestFinished(async () => {
    metrics.disable();
    await provider.shutdown();
  });

  const { stream: sink, text } = jsonLines();
  const logger = pino({ level: 'trace', mixin: requestLogContext }, sink);
  const carrier: Carrier<string> = { name: 'secret', capture: () => canary, run: (_, fn) => fn() };

  let tries = 0;
  const tokens: string[] = [];
  const [reached, passed] = [gate(), gate()];
  const secretive = workflow('secretive', async (input: { readonly password: string }) => {
    log.info('working');
    await step.run('result', () => input.password);
    await step.run('error', () => (++tries === 1 ? Promise.reject(new SecretError()) : 1), {
      retries: 1,
      backoff: { initial: 1 },
    });
    await step.transaction('database error', (tx) => tx.query(`select '${canary}'::int4`)).catch(() => {});
    await step.run('failure', () => Promise.reject(new SecretError())).catch(() => {});
    await setEvent('event', canary);
    await stream('stream').append(canary);
    const approval = await createToken('approval');
    tokens.push(approval.token);
    await step.run('complete', () => completeToken(approval.token, canary));
    await approval.receive();
    await step.run('gate', async () => {
      reached.open();
      await passed.opened;
    });
    return await receive('message');
  });
  const failing = workflow('failing', () => Promise.reject(new SecretError()));
  const test = await freshDatabase(databases[0]!.open);
  const options = { workflows: [secretive, failing], logger, carriers: [carrier] };
  const perdure = await launchEngine(test, options);

  const run = await secretive.with({ workflowId: 's', engine: perdure }).start({ password: canary });
  await perdure.send(run, 'message', canary);
  await reached.opened;
  expect(tokens).toHaveLength(1);
  // The database fails under it.
  const checkpoints = `${test.schema}.checkpoints`;
  await test.administer(`alter table ${checkpoints} rename to away`);
  passed.open();
  await expect.poll(text).toContain('a flush failed');
  await test.administer(`alter table ${test.schema}.away rename to checkpoints`);
  expect(await run.result()).toBe(canary);
  await queue('secrets')
    .with({ engine: perdure })
    .enqueue(failing)
    .then((item) => item.result())
    .catch(() => {});

  const app = express();
  const http = expressAdapter(perdure, { principal: (request) => request.get('authorization') });
  app.use(express.json(), http.bind());
  app.post(
    '/orders',
    http.durable(secretive, (request) => request.body as { password: string }),
  );
  app.post(
    '/fail',
    http.durable(failing, () => undefined as never),
  );
  app.post('/plain', () => Promise.reject(new SecretError()));
  app.use(http.problems());
  const url = await listen(createServer(app));
  const headers = { authorization: `Bearer ${canary}`, cookie: `session=${canary}`, 'x-request-id': 'req-1' };
  const path = `?token=${canary}&next=https://u:${canary}@example.org/`;
  const posts = ['/orders', '/fail', '/plain'].map((route) =>
    send(`${url}${route}${path}`, { key: `"${canary}-${route.slice(1)}"`, body: { password: canary }, headers }),
  );
  const failed = await Promise.all(posts.slice(1));
  expect(failed.map(({ status }) => status)).toEqual([500, 500]);

  await perdure.shutdown({ drainMs: 0 });
  await Promise.allSettled(posts);

  await provider.forceFlush();
  expect(exported).toContain('perdure.workflow.duration');
  expect(exported).toContain('failing');
  expect(text()).toContain('"run_id":"s"');
  for (const disguise of [...disguises, ...tokens]) {
    expect(exported).not.toContain(disguise);
    expect(text()).not.toContain(disguise);
  }
  expect(Object.values(logContext())).toEqual([]);
});
