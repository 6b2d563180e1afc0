import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { freePort } from './support/free-port.js';
import { gate } from './support/gate.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What listens where PORT says: the arguments of Node, run in the root of the repository. */
const services: Readonly<Record<string, readonly string[]>> = {
  'the template for Express': ['--import', 'tsx', 'packages/create-perdure/templates/express/src/server.ts'],
  'examples/express': ['--import', 'tsx', 'examples/express/src/server.ts'],
  'examples/jaeger': ['--import', 'tsx', 'examples/jaeger/src/server.ts'],
  'document-rag/plain-express': ['--import', 'tsx', 'examples/document-rag/plain-express/src/app.ts'],
  'document-rag/express': ['--import', 'tsx', 'examples/document-rag/express/src/app.ts'],
  'document-rag/nestjs': ['examples/document-rag/nestjs/dist/main.js'],
};

interface Started {
  readonly child: ChildProcess;
  /** All that it has printed. */
  readonly printed: () => string;
  readonly ended: Promise<unknown>;
  readonly databaseUrl: string;
}

/** A process of a service, on a database of its own. */
async function start(name: string, port: number): Promise<Started> {
  const databaseUrl = await freshDatabaseUrl();
  // The last argument is what examples/express takes instead of PORT.
  const child = spawn(process.execPath, [...(services[name] ?? []), String(port)], {
    cwd: root,
    // As a user runs it: on the packages that are built.
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      TSX_TSCONFIG_PATH: `${root}examples/express/tsconfig.demo.json`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  return { child, printed: () => printed, ended, databaseUrl };
}

/** A process of a service that answers. */
async function startListening(name: string): Promise<Started & { readonly url: string }> {
  const port = await freePort();
  const started = await start(name, port);
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/runs/none`).then(
      () => true,
      () => false,
    );
  await expect.poll(answers).toBe(true);
  return { ...started, url };
}

async function freshDatabaseUrl(): Promise<string> {
  const name = `services_${randomUUID().replaceAll('-', '')}`;
  const serverUrl = inject('postgresUrl');
  await query(serverUrl, `create database ${name}`);
  onTestFinished(async () => void (await query(serverUrl, `drop database ${name} with (force)`)));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe.each(Object.keys(services))('%s', (name) => {
  it('ends and says why when its port is taken', async () => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { ended, printed } = await start(name, (taken.address() as AddressInfo).port);
    expect(await ended).toEqual([1, null]);
    expect(printed()).toContain('EADDRINUSE');
  });
});

it.each(['document-rag/express', 'document-rag/nestjs'])(
  '%s hands its runs over when it is told to end',
  async (name) => {
    const asked = gate();
    const away = createServer((_request, response) => {
      response.writeHead(503).end();
      asked.open();
    }).listen(0, '127.0.0.1');
    await once(away, 'listening');
    onTestFinished(() => void away.close());
    const { child, ended, url, databaseUrl } = await startListening(name);
    await fetch(`${url}/index`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ urls: [`http://127.0.0.1:${(away.address() as AddressInfo).port}/a.md`] }),
    });
    await asked.opened;
    child.kill('SIGTERM');
    await ended;
    const runs = await query(databaseUrl, 'select state, executor_id from perdure.runs');
    expect(runs).toEqual([{ state: 'available', executor_id: null }]);
  },
);

it.each(['document-rag/plain-express', 'document-rag/express', 'document-rag/nestjs'])(
  '%s lives on when Postgres cuts its connections',
  async (name) => {
    const { url, databaseUrl, printed } = await startListening(name);
    const others = 'pid <> pg_backend_pid() and datname = current_database()';
    await query(databaseUrl, `select pg_terminate_backend(pid) from pg_stat_activity where ${others}`);
    await expect.poll(printed).toContain('An idle connection was lost');
    expect((await fetch(`${url}/runs/none`)).status).toBe(404);
  },
);
