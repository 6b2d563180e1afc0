import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { send } from '../http/http-client.js';
import { eventually } from '../recovery/eventually.js';
import { freePort } from '../support/free-port.js';
import { buildPackages, installPacked, runIn } from '../support/packages.js';

const layouts = fileURLToPath(new URL('apps', import.meta.url));

interface Application {
  readonly name: string;
  readonly layout: 'express' | 'nest';
  readonly type: 'module' | 'commonjs';
  readonly main: string;
  readonly packages: readonly string[];
  readonly others: readonly string[];
}

const nest = { layout: 'nest', main: 'dist/main.js', packages: ['core', 'http', 'nestjs'] } as const;
const express = { layout: 'express', main: 'dist/app.js', packages: ['core', 'http', 'express'] } as const;
const nestAt = (version: string): string[] =>
  ['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${version}`);

const applications: readonly Application[] = [
  { ...express, name: 'Express 4', type: 'commonjs', others: ['express@4.22.3', '@types/express@4.17.25'] },
  { ...express, name: 'Express 5', type: 'commonjs', others: ['express@5.3.0', '@types/express@5.0.6'] },
  { ...express, name: 'Express 5', type: 'module', others: ['express@5.3.0', '@types/express@5.0.6'] },
  { ...nest, name: 'Nest 11', type: 'commonjs', others: nestAt('11.2.10') },
  { ...nest, name: 'Nest 11', type: 'module', others: nestAt('11.2.10') },
  { ...nest, name: 'Nest 12', type: 'module', others: nestAt('12.5.1') },
];

describe.each(applications)(
  'an application with $name and "type": "$type"',
  ({ layout, type, main, packages, others }) => {
    const schema = `test_${randomUUID().replaceAll('-', '')}`;
    let folder: string;
    let child: ChildProcess | null = null; // null = not running

    beforeAll(async () => {
      await buildPackages('express', 'nestjs');
      folder = await mkdtemp(join(tmpdir(), `perdure-packed-${layout}-`));
      await cp(join(layouts, layout), folder, { recursive: true });
      const manifest = join(folder, 'package.json');
      const made = JSON.parse(await readFile(manifest, 'utf8')) as object;
      await writeFile(manifest, JSON.stringify({ ...made, type }, null, 2));
      await installPacked(folder, packages, others);
    });

    afterEach(async () => {
      await end('SIGKILL');
    });

    afterAll(async () => {
      const client = new pg.Client({ connectionString: inject('postgresUrl') });
      await client.connect();
      await client.query(`drop schema if exists ${schema} cascade`);
      await client.end();
      await rm(folder, { recursive: true, force: true });
    });

    async function start(): Promise<string> {
      const port = await freePort();
      child = spawn(process.execPath, [main], {
        cwd: folder,
        env: { ...process.env, PORT: String(port), DATABASE_URL: inject('postgresUrl'), SCHEMA: schema },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const url = `http://127.0.0.1:${port}`;
      const answers = async (): Promise<boolean> =>
        await fetch(url).then(
          () => true,
          () => false,
        );
      await eventually('the application answers', answers);
      return url;
    }

    /** Ends the process, and answers with how it ended. */
    async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown[]> {
      if (child === null) return [];
      const ended = once(child, 'exit');
      child.kill(signal);
      child = null;
      return (await ended) as unknown[];
    }

    it('has its types checked, gives repeated requests their answer in another process, too, and leaves nothing open', async () => {
      await runIn(folder, [process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
      const order = { key: '"a"', body: { sku: 'lamp' } };
      let url = await start();
      const killed = child?.pid;
      const [first, again] = [await send(`${url}/orders`, order), await send(`${url}/orders`, order)];
      expect([first.status, first.json]).toEqual([200, { sku: 'lamp', payment: `lamp charged by ${killed}` }]);
      expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);

      await end('SIGKILL');
      url = await start();
      const replayed = await send(`${url}/orders`, order);
      expect([replayed.status, replayed.text]).toEqual([200, first.text]);

      const later = await send(`${url}/orders`, { ...order, key: '"b"', headers: { prefer: 'respond-async' } });
      expect(later.status).toBe(202);
      const result = await send(`${url}${later.headers.get('location')}/result?wait=20`, { method: 'GET', key: null });
      expect([result.status, result.json]).toMatchObject([200, { sku: 'lamp' }]);
      // Nest passes the signal on, when everything is shut down.
      const [code, signal] = await end('SIGTERM');
      expect([code, signal]).toEqual(layout === 'nest' ? [null, 'SIGTERM'] : [0, null]);
    });
  },
);
