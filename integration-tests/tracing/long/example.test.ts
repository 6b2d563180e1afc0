import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PerdureClient } from '@perdure/core';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import pg from 'pg';
import { send } from '../../http/http-client.js';
import { eventually } from '../../recovery/eventually.js';
import { jaegerView, treeOf } from '../jaeger-rules.js';
import { type ReceivedSpan, spansOf } from '../received-span.js';
import { Receiver } from '../receiver.js';

const example = fileURLToPath(new URL('../../../examples/jaeger/', import.meta.url));
const schema = 'perdure_jaeger_demo';

const instanceOf = ({ resource }: ReceivedSpan): string => String(resource['service.instance.id']);

/** As the README has it: whose spans they are by letters, and without the tries that the example lets fail at random. */
function pictureOf(spans: readonly ReceivedSpan[], first: string): string {
  const isPlanned = ({ attributes }: ReceivedSpan): boolean => attributes['error.type'] !== 'Error';
  const labelled = spans.filter(isPlanned).map((span) => ({
    ...span,
    resource: { 'service.instance.id': instanceOf(span) === first ? 'A' : instanceOf(span) === 'undefined' ? '' : 'B' },
  }));
  return treeOf(labelled).replaceAll(/ +$/gm, '');
}

/** What begins in the same millisecond may come in any order. */
const linesOf = (picture: string): string[] => picture.split('\n').toSorted();

let sql: pg.Client;
let receiver: Receiver;
const shops: ChildProcess[] = [];

beforeEach(async () => {
  receiver = await Receiver.listen();
  sql = new pg.Client({ connectionString: inject('postgresUrl') });
  await sql.connect();
  await sql.query(`drop schema if exists ${schema} cascade`);
});

afterEach(async () => {
  for (const shop of shops.splice(0)) shop.kill('SIGKILL');
  receiver.close();
  await sql.query(`drop schema if exists ${schema} cascade`);
  await sql.end();
});

async function open(): Promise<{ shop: ChildProcess; url: string }> {
  const shop = fork(`${example}src/server.ts`, {
    execArgv: ['--import', 'tsx'],
    env: {
      ...process.env,
      TSX_TSCONFIG_PATH: `${example}tsconfig.json`,
      DATABASE_URL: inject('postgresUrl'),
      PORT: '0',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url,
      // Nobody listens to metrics here.
      OTEL_METRIC_EXPORT_INTERVAL: '600000',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  shops.push(shop);
  const [{ port }] = (await once(shop, 'message')) as [{ readonly port: number }];
  return { shop, url: `http://127.0.0.1:${port}` };
}

it('draws the pictures of the README of examples/jaeger', async () => {
  const [a] = await Promise.all([open(), open()]);
  const answer = send(`${a.url}/orders`, { key: '"order-1"', body: { sku: 'lamp', cents: 4_200 } }).catch(() => null);
  await eventually('the lamp is reserved', async () => {
    const { rows } = await sql.query(`select 1 from ${schema}.checkpoints where name = 'reserve'`);
    return rows.length > 0;
  });
  a.shop.kill('SIGKILL');
  await answer;
  const workflowId = await eventually('the order is finished', async () => {
    const { rows } = await sql.query<{ workflow_id: string }>(
      `select workflow_id from ${schema}.runs join ${schema}.outcomes using (workflow_id) where name = 'checkout'`,
    );
    return rows[0]?.workflow_id;
  });
  const b = shops[1]!;
  b.kill('SIGTERM');
  await once(b, 'exit');
  await receiver.hearsNobody();

  const first = instanceOf(receiver.spans.find(({ name }) => name === 'start checkout')!);
  expect(jaegerView(receiver.spans)).toMatchObject({
    traces: 1,
    orphans: [],
    incomplete: [],
    duplicates: [],
    skewed: [],
  });

  const client = await PerdureClient.connect({ databaseUrl: inject('postgresUrl'), schema });
  const rebuilt = spansOf(await client.runs.trace(workflowId));
  await client.close();
  const pictures = [...readFileSync(`${example}README.md`, 'utf8').matchAll(/^```\n((?:request|start) .*?)\n```$/gms)];
  expect(pictures.map(([, picture]) => linesOf(picture!))).toEqual([
    linesOf(pictureOf(receiver.spans, first)),
    linesOf(pictureOf(rebuilt, first)),
  ]);
});
