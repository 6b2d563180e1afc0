import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { send } from '../../http/http-client.js';
import { eventually } from '../../recovery/eventually.js';
import { freePort } from '../../support/free-port.js';
import { buildPackages } from '../../support/packages.js';
import { appFolder, nextBin } from '../build.js';

const edited = join(appFolder, 'src/edited.ts');
const editsMax = 50;

describe.each(['turbopack', 'webpack'] as const)('next dev with %s', (bundler) => {
  let folder: string;
  let child: ChildProcess;
  let client: pg.Client;
  let url: string;
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const before = readFileSync(edited, 'utf8');
  const log = (): string => readFileSync(join(folder, 'log'), 'utf8');

  beforeAll(async () => {
    await buildPackages('next');
    folder = await mkdtemp(join(tmpdir(), 'perdure-next-'));
    client = new pg.Client({ connectionString: inject('postgresUrl') });
    await client.connect();
    const database = `${inject('postgresUrl')}?application_name=${schema}`;
    const shop = { url: database, schema, label: 'dev', leaseMs: 5_000, folder, framework: 'Next.js' };
    const port = await freePort();
    const output = openSync(join(folder, 'log'), 'a');
    const args = [nextBin, 'dev', appFolder, `--${bundler}`, '--port', String(port), '--hostname', '127.0.0.1'];
    child = spawn(process.execPath, args, {
      cwd: appFolder,
      env: {
        ...process.env,
        NODE_ENV: 'development',
        NEXT_TELEMETRY_DISABLED: '1',
        SHOP: JSON.stringify(shop),
      },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    url = `http://127.0.0.1:${port}/shop`;
    await eventually('next dev answers', () => isUp(`${url}/health`), 120_000);
  }, 300_000);

  afterAll(async () => {
    writeFileSync(edited, before);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'keeps one engine, one heartbeat and as many connections as before through fifty edits of a workflow, and all runs finish',
    { timeout: 600_000 },
    async () => {
      const seen: { engine: string | null; connections: number; executors: number }[] = [];
      const long = await send(`${url}/edited/long`, { key: '"long"', body: {}, headers: { prefer: 'respond-async' } });
      expect(long.status).toBe(202);
      for (let edit = 0; edit <= editsMax; edit += 1) {
        writeFileSync(edited, before.replace(/'text \d+'/, `'text ${edit}'`));
        const answer = await eventually(
          `edit ${edit} is served`,
          async () => {
            const received = await send(`${url}/edited`, { body: { edit } });
            return received.text.includes(`text ${edit}`) ? received : null;
          },
          60_000,
        );
        expect([answer.status, answer.json]).toEqual([200, { text: `text ${edit}`, noted: edit }]);
        const { rows } = await client.query<{ connections: number; executors: number }>(
          `select
             (select count(*)::int4 from pg_stat_activity where application_name = $1) as connections,
             (select count(*)::int4 from ${schema}.executors) as executors`,
          [schema],
        );
        const health = await send(`${url}/health`, { method: 'GET', key: null });
        seen.push({ engine: (health.json as { executorId: string }).executorId, ...rows[0]! });
      }
      expect(new Set(seen.map(({ engine }) => engine)).size).toBe(1);
      expect(new Set(seen.map(({ executors }) => executors))).toEqual(new Set([1]));
      // The pool opens what it needs in the course of the first requests.
      expect(Math.max(...seen.map(({ connections }) => connections))).toBeLessThanOrEqual(seen[5]!.connections + 2);

      writeFileSync(join(folder, 'long'), '');
      const ended = await eventually('the run that began before all edits ends', async () => {
        const { rows } = await client.query<{ open: number; completed: number }>(
          `select count(*) filter (where o.workflow_id is null)::int4 as open,
                  count(*) filter (where o.kind = 'completed')::int4 as completed
           from ${schema}.runs r left join ${schema}.outcomes o using (workflow_id)`,
        );
        return rows[0]!.open === 0 ? rows[0]! : null;
      });
      expect(ended.completed).toBeGreaterThan(editsMax);
      expect(log()).not.toMatch(/DuplicateWorkflow|MaxListenersExceeded|unhandled/i);
      process.stdout.write(`${bundler}: ${JSON.stringify([seen[0], seen[5], seen.at(-1), ended])}\n`);
    },
  );
});

async function isUp(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
