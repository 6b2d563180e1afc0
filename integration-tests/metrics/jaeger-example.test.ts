import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { instruments } from '@perdure/core/internal';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { send } from '../http/http-client.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples/jaeger');
const read = (path: string): string => readFileSync(join(example, path), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
}

/** A YAML file, of which nothing may be doubtful. */
function parseYaml(path: string): Record<string, unknown> {
  const [document, ...others] = parseAllDocuments(read(path), { merge: true, strict: true, uniqueKeys: true });
  expect(others).toEqual([]);
  expect([...document!.errors, ...document!.warnings]).toEqual([]);
  return document!.toJS() as Record<string, unknown>;
}

const services = (path: string): Record<string, Service> => parseYaml(path)['services'] as Record<string, Service>;

/** What a metric is called where Prometheus has it by OTLP: with underscores, its unit, and `_total` where it only grows. */
function prometheusNames(name: keyof typeof instruments): string[] {
  const { kind, unit } = instruments[name];
  const base = name.replaceAll('.', '_') + (unit === 's' ? '_seconds' : '');
  if (kind === 'counter') return [`${base}_total`];
  return kind === 'times' || kind === 'lasting times' ? ['_bucket', '_count', '_sum'].map((end) => base + end) : [base];
}

describe('examples/jaeger', () => {
  it('has compose files that fit together, and name only what is there', () => {
    const observing = services('compose.yaml');
    const all = { ...observing, ...services('compose.app.yaml') };
    expect(observing['jaeger']!.image).toMatch(/^jaegertracing\/jaeger:\d+\.\d+\.\d+$/);
    expect(observing['jaeger']!.ports).toContain('4318:4318');
    for (const { image, build, volumes, depends_on: needed } of Object.values(all)) {
      if (image === undefined) {
        expect(build?.context).toBe('../..');
        expect(existsSync(join(root, build!.dockerfile))).toBe(true);
      } else expect(image).toMatch(/:v?\d+\.\d+/);
      for (const name of Array.isArray(needed) ? (needed as string[]) : Object.keys(needed ?? {})) {
        expect(Object.keys(all)).toContain(name);
      }
      for (const volume of volumes ?? []) expect(existsSync(join(example, volume.split(':')[0]!))).toBe(true);
    }
    const shops = Object.entries(all).filter(([name]) => name.startsWith('shop'));
    expect(shops).toHaveLength(2);
    for (const [, { environment }] of shops) {
      expect(environment!['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']).toBe('http://jaeger:4318/v1/traces');
      expect(new URL(environment!['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT']!).hostname).toBe('prometheus');
    }
    const ports = Object.values(all).flatMap((service) => (service.ports ?? []).map((port) => port.split(':')[0]));
    expect(new Set(ports).size).toBe(ports.length);
    parseYaml('grafana/provisioning/datasources/prometheus.yaml');
    parseYaml('grafana/provisioning/dashboards/perdure.yaml');
  });

  it('has a dashboard that asks for every metric there is, and for no other', () => {
    const dashboard = JSON.parse(read('grafana/dashboard.json')) as {
      readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const asked = new Set(expressions.flatMap((expr) => expr.match(/\b(perdure|db_client)_\w+(?=[[{)])/g) ?? []));
    const labels = new Set(
      expressions.flatMap((expr) => expr.match(/\bby \(([^)]*)\)/g) ?? []).flatMap((by) => by.slice(4, -1).split(', ')),
    );
    const metricsAsked = [...asked].filter((name) => !labels.has(name));
    const names = Object.keys(instruments) as (keyof typeof instruments)[];
    const known = names.flatMap(prometheusNames);
    expect(metricsAsked.filter((name) => !known.includes(name))).toEqual([]);
    expect(names.filter((name) => !prometheusNames(name).some((variant) => asked.has(variant)))).toEqual([]);
    const documented = readFileSync(join(root, 'docs/metrics.md'), 'utf8').replaceAll('.', '_');
    for (const label of labels) if (label !== 'le') expect(documented).toContain(label);
  });

  it('runs: its orders are shipped, and what it exports is received', { timeout: 30_000 }, async () => {
    const received: Record<string, string> = { '/v1/metrics': '', '/v1/traces': '' };
    const take = async (request: IncomingMessage): Promise<void> => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      received[request.url!] += body;
    };
    const receiver = createServer((request, response) => void take(request).then(() => response.end('{}')));
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const shop = fork(join(example, 'src/server.ts'), {
      execArgv: ['--import', 'tsx'],
      env: {
        ...process.env,
        TSX_TSCONFIG_PATH: join(example, 'tsconfig.json'),
        DATABASE_URL: inject('postgresUrl'),
        PORT: '0',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
        OTEL_METRIC_EXPORT_INTERVAL: '500',
        OTEL_METRIC_EXPORT_TIMEOUT: '400',
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    onTestFinished(async () => {
      shop.kill('SIGKILL');
      receiver.close();
      receiver.closeAllConnections();
    });
    const [{ port }] = (await once(shop, 'message')) as [{ readonly port: number }];
    const response = await send(`http://127.0.0.1:${port}/orders`, { body: { sku: 'lamp', cents: 4_200 } });
    expect(response.status).toBe(200);
    expect(response.json).toMatchObject({ parcel: 'parcel with lamp' });
    const exited = once(shop, 'exit');
    shop.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
    for (const name of ['perdure.workflow.duration', 'perdure.queue.depth', 'checkout', 'ship']) {
      expect(received['/v1/metrics']).toContain(name);
    }
    expect(received['/v1/traces']).toContain('POST');
  });
});

describe('docs/metrics.md', () => {
  it('has every metric, with its unit', () => {
    const table = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
    const rows = [...table.matchAll(/^\| `((?:perdure|db)\.[\w.]+)` +\| ([^|]+?) +\| `([^`]+)` +\|/gm)];
    const kinds = {
      counter: 'counter',
      'up-down': 'up-down',
      gauge: 'gauge, shared',
      times: 'histogram',
      'lasting times': 'histogram',
    };
    expect(rows.map(([, name, kind, unit]) => [name, kind, unit])).toEqual(
      Object.entries(instruments).map(([name, { kind, unit }]) => [name, kinds[kind], unit]),
    );
  });
});
