import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { send } from '../../http/http-client.js';
import { eventually } from '../../recovery/eventually.js';
import { freePort } from '../../support/free-port.js';
import { buildPackages, installPacked, runIn } from '../../support/packages.js';
import { nextEnv } from '../build.js';

const layout = fileURLToPath(new URL('../create-next-app', import.meta.url));

describe.each(['15.5.29', '16.4.6'])('an application as create-next-app makes it, with Next %s', (version) => {
  const schemas: string[] = [];
  let folder: string;
  let child: ChildProcess | null = null; // null = not running

  beforeAll(async () => {
    await buildPackages('next');
    folder = await mkdtemp(join(tmpdir(), 'perdure-create-next-app-'));
    await cp(layout, folder, { recursive: true });
    await installPacked(folder, ['core', 'http', 'next'], [`next@${version}`, 'pg@8.23.1']);
  });

  afterEach(async () => {
    if (child === null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    child = null;
  });

  afterAll(async () => {
    const client = new pg.Client({ connectionString: inject('postgresUrl') });
    await client.connect();
    for (const schema of schemas) await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(['turbopack', 'webpack'])(
    'has its types checked, is built by %s and serves routes and runs from packed packages',
    { timeout: 300_000 },
    async (bundler) => {
      const next = join(folder, 'node_modules/next/dist/bin/next');
      const isDefault = (bundler === 'turbopack') === version.startsWith('16');
      await rm(join(folder, '.next'), { recursive: true, force: true });
      await runIn(folder, [process.execPath, next, 'build', ...(isDefault ? [] : [`--${bundler}`])], nextEnv);
      const schema = `test_${randomUUID().replaceAll('-', '')}`;
      schemas.push(schema);
      const port = await freePort();
      child = spawn(process.execPath, [next, 'start', '--port', String(port), '--hostname', '127.0.0.1'], {
        cwd: folder,
        env: { ...process.env, ...nextEnv, DATABASE_URL: inject('postgresUrl'), SCHEMA: schema },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const url = `http://127.0.0.1:${port}`;
      await eventually(
        'next start answers',
        async () =>
          await fetch(url).then(
            ({ ok }) => ok,
            () => false,
          ),
        60_000,
      );

      const sent = { key: '"a"', body: { sku: 'lamp' } };
      const [first, again] = [await send(`${url}/orders`, sent), await send(`${url}/orders`, sent)];
      expect([first.status, first.json]).toMatchObject([200, { sku: 'lamp' }]);
      expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);

      const patch = { ...sent, method: 'PATCH' };
      const changed = [await send(`${url}/orders/7?sku=x`, patch), await send(`${url}/orders/7?sku=x`, patch)];
      expect([changed[0]!.status, changed[0]!.json]).toMatchObject([201, { id: '7' }]);
      expect((changed[0]!.json as { payment: string }).payment).toContain('7 x charged by');
      expect(changed[1]!.text).toBe(changed[0]!.text);

      const begun = await send(`${url}/orders`, { ...sent, key: '"b"', headers: { prefer: 'respond-async' } });
      expect(begun.status).toBe(202);
      const location = `${url}${begun.headers.get('location')}`;
      const result = await send(`${location}/result?wait=20`, { method: 'GET', key: null });
      expect([result.status, result.json]).toMatchObject([200, { sku: 'lamp' }]);
      const events = await send(`${location}/events`, { method: 'GET', key: null });
      expect(events.text).toContain('event: end\ndata: {"status":"completed"}');
    },
  );
});
