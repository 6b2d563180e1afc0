import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../http/http-client.js';
import { eventually } from '../recovery/eventually.js';
import { freePort } from '../support/free-port.js';
import { buildPackages, installPacked, pack, runIn } from '../support/packages.js';
import { jaegerView } from '../tracing/jaeger-rules.js';
import { Receiver } from '../tracing/receiver.js';

/** A process of the application, with what it has printed. */
interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  readonly lines: string[];
}

/** Next answers in a process that its command line has started. */
const start: Readonly<Record<string, readonly string[]>> = {
  express: ['dist/server.js'],
  nestjs: ['dist/main.js'],
  nextjs: ['node_modules/next/dist/bin/next', 'start'],
};

const adapters = { express: 'express', nestjs: 'nestjs', nextjs: 'next' } as const;

describe.each(['express', 'nestjs', 'nextjs'] as const)('npm create perdure -- --template %s', (template) => {
  let folder: string;
  let collector: Receiver;
  let running: Running | null = null; // null = not running

  beforeAll(async () => {
    collector = await Receiver.listen();
    await buildPackages('create-perdure', adapters[template], 'otel');
    const parent = await mkdtemp(join(tmpdir(), 'perdure-create-'));
    folder = join(parent, 'shop');
    const program = await pack('create-perdure', parent);
    // As `npm create` does it: a package is put aside, and its program is run in the working directory.
    const command = ['exec', '--yes', `--package=${program}`, '--', 'create-perdure', 'shop'];
    await runIn(parent, ['npm', ...command, '--template', template, '--no-install']);
    await installPacked(folder, ['core', 'http', adapters[template], 'otel'], []);
    await runIn(folder, ['npm', 'run', 'build'], { NEXT_TELEMETRY_DISABLED: '1' });
  });

  afterEach(async () => {
    await end('SIGKILL');
  });

  afterAll(async () => {
    collector.close();
    await rm(join(folder, '..'), { recursive: true, force: true });
  });

  async function launch(): Promise<Running> {
    const port = await freePort();
    const child = spawn(process.execPath, [...(start[template] ?? [])], {
      cwd: folder,
      env: {
        ...process.env,
        PORT: String(port),
        DATABASE_URL: '',
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n')));
    running = { child, lines, url: `http://127.0.0.1:${port}` };
    const { url } = running;
    const answers = async (): Promise<boolean> =>
      await fetch(`${url}/runs/none`).then(
        () => true,
        () => false,
      );
    await eventually('the application answers', answers, 60_000);
    return running;
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown[]> {
    if (running === null) return [];
    const { child } = running;
    running = null;
    if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode];
    const ended = once(child, 'exit');
    child.kill(signal);
    return (await ended) as unknown[];
  }

  const told = ({ lines }: Running, what: string): number => lines.filter((line) => line.includes(`: ${what}`)).length;

  it('makes an application whose order survives kill -9 and is one trace, as its README says', async () => {
    const order = { key: '"order-1"', body: { sku: 'lamp', cents: 4_200 } };
    const first = await launch();
    const cut = send(`${first.url}/orders`, order).then(
      () => false,
      () => true,
    );
    await eventually('the order is packed', () => told(first, 'pack') > 0);
    await eventually('its trace has begun', () => collector.spans.some(({ name }) => name === 'run checkout'));
    await end('SIGKILL');
    expect(await cut).toBe(true);
    expect(['reserve', 'charge', 'pack', 'ship'].map((step) => told(first, step))).toEqual([1, 1, 1, 0]);

    const second = await launch();
    const answer = await send(`${second.url}/orders`, order);
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        reservation: 'reservation of lamp',
        payment: 'payment of 4200 cents',
        shipment: 'shipment of parcel with lamp',
      },
    ]);
    expect(['reserve', 'charge', 'pack', 'ship'].map((step) => told(second, step))).toEqual([0, 0, 1, 1]);
    const again = await send(`${second.url}/orders`, order);
    expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([answer.text, 'true']);
    const refused = await send(`${second.url}/orders`, { key: '"order-2"', body: { sku: 'lamp' } });
    expect(refused.status).toBe(400);
    const [code, signal] = await end('SIGTERM');
    // Nest passes the signal on, when everything is shut down.
    expect([code, signal]).toEqual(template === 'nestjs' ? [null, 'SIGTERM'] : [template === 'nextjs' ? 143 : 0, null]);

    await collector.hearsNobody();
    const begun = collector.spans.find(({ name }) => name === 'run checkout');
    // Next has spans of its own, whose request was killed.
    const trace = collector.spans.filter(
      ({ traceId, name, attributes }) =>
        traceId === begun?.traceId && (name === 'request (lost)' || 'perdure.workflow.id' in attributes),
    );
    expect(jaegerView(trace)).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [] });
    expect(trace.filter(({ name }) => name === 'run checkout')).toHaveLength(2);
  });
});
