import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';

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
}

/** A process of a service, on a database of its own. */
async function start(name: string, port: number): Promise<Started> {
  // The last argument is what examples/express takes instead of PORT.
  const child = spawn(process.execPath, [...(services[name] ?? []), String(port)], {
    cwd: root,
    // As a user runs it: on the packages that are built.
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: await freshDatabaseUrl(),
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
  return { child, printed: () => printed, ended };
}

async function freshDatabaseUrl(): Promise<string> {
  const name = `services_${randomUUID().replaceAll('-', '')}`;
  await administer((client) => client.query(`create database ${name}`));
  onTestFinished(async () => void (await administer((client) => client.query(`drop database ${name} with (force)`))));
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return url.href;
}

async function administer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    return await work(client);
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
