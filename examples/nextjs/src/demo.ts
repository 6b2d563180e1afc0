/**
 * Orders something, kills the shop when the payment provider has charged and the shop does not know it yet, starts the
 * shop again, and sends the request again. With `--json` the report is one line of JSON, and nothing else is printed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { embedded, postgres } from '@perdure/core';
import { freePort, isUp, servePayments } from './payment-provider.js';

const isJson = process.argv.includes('--json');
const app = fileURLToPath(new URL('..', import.meta.url));
const next = fileURLToPath(import.meta.resolve('next/dist/bin/next'));
// `next start` runs in the folder of the application.
const folder = `${app}.perdure`;
const ledger = `${folder}/ledger.jsonl`;
const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' } as const;
const request = {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'idempotency-key': '"order-of-the-lamp"', 'x-customer': 'ada' },
  body: JSON.stringify({ sku: 'lamp', cents: 4_200 }),
};

await startAfresh();
build();
let onCharged = (): void => {};
const payments = await servePayments(() => onCharged());

const first = await launchShop();
say(`POST /orders to process ${first.process.pid}`);
const killed = once(first.process, 'exit');
onCharged = () => first.process.kill('SIGKILL');
const cut = await fetch(`${first.url}/orders`, request).then(
  () => false,
  () => true,
);
await killed;
onCharged = () => {};
say(`kill -9, when the card had been charged. The client has ${cut ? 'no answer' : 'an answer'}.`);

const second = await launchShop();
say(`The same request, with the same key, to process ${second.process.pid}`);
const retried = await fetch(`${second.url}/orders`, request);
const answer = await retried.text();
say(`  ${retried.status} ${answer}`);

const repeated = await fetch(`${second.url}/orders`, request);
say(`And once more: ${repeated.status}, Idempotent-Replayed: ${repeated.headers.get('idempotent-replayed')}`);
const other = await fetch(`${second.url}/orders`, { ...request, body: JSON.stringify({ sku: 'chair', cents: 1 }) });
say(`Another order with the same key: ${other.status}`);

second.process.kill('SIGTERM');
await once(second.process, 'exit');
payments.close();

const steps = (await readFile(ledger, 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly pid: number; readonly step: string });
const stepsOf = (pid: number | undefined): string[] => steps.filter((it) => it.pid === pid).map((it) => it.step);
const report = {
  cut,
  status: retried.status,
  isReplayEqual: (await repeated.text()) === answer && repeated.headers.get('idempotent-replayed') === 'true',
  otherStatus: other.status,
  stepsOfFirst: stepsOf(first.process.pid),
  stepsOfSecond: stepsOf(second.process.pid),
  paymentRequests: payments.requests,
  charges: payments.charges.size,
};
say(`
steps of the process that was killed   ${report.stepsOfFirst.join(', ')}
steps of the one after it              ${report.stepsOfSecond.join(', ')}
asked to charge                        ${report.paymentRequests} times, with one key
charged                                ${report.charges} time`);
if (isJson) console.log(JSON.stringify(report));
if (report.charges !== 1 || report.status !== 201 || !report.isReplayEqual) process.exitCode = 1;

async function startAfresh(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(ledger, '');
  const url = process.env['DATABASE_URL'] ?? '';
  const database = url === '' ? embedded({ folder: `${folder}/postgres` }) : postgres({ url });
  await database.script('drop schema if exists perdure_nextjs_demo cascade');
  await database.close();
}

function build(): void {
  say('next build');
  const { status, stdout, stderr } = spawnSync(process.execPath, [next, 'build', app], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`next build failed:\n${stdout}${stderr}`);
}

/** Starts a process of the shop, and waits until it answers. */
async function launchShop(): Promise<{ readonly process: ChildProcess; readonly url: string }> {
  const port = await freePort();
  const shop = spawn(process.execPath, [next, 'start', app, '--port', String(port), '--hostname', '127.0.0.1'], {
    cwd: app,
    env: { ...env, PAYMENTS_URL: payments.url, LEDGER: ledger },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isUp(`${url}/health`))) {
    if (shop.exitCode !== null) throw new Error('The shop did not start.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { process: shop, url };
}

function say(text: string): void {
  if (!isJson) console.log(text);
}
