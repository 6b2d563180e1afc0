import { randomUUID } from 'node:crypto';
import { Perdure, PerdureClient, step, workflow } from '@perdure/core';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { send } from '../http/http-client.js';
import { eventually } from '../recovery/eventually.js';
import type { ModeOptions } from './app/src/modes.js';
import { type NextProcess, startNext } from './next-process.js';

const cronSecret = 'of the scheduler';

/** Where runs are executed, and server actions: in processes of `next start`, of the application as it is built. */
export function modesOfNext(): void {
  let schema: string;
  let client: pg.Client;
  let running: NextProcess;
  let app: string;

  beforeEach(async () => {
    schema = `test_${randomUUID().replaceAll('-', '')}`;
    client = new pg.Client({ connectionString: inject('postgresUrl') });
    await client.connect();
  });

  afterEach(async () => {
    await running.kill();
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
  });

  async function start(worker: ModeOptions['worker']): Promise<void> {
    const mode: ModeOptions = { url: inject('postgresUrl'), schema, worker };
    running = await startNext({ WORKER: JSON.stringify(mode), CRON_SECRET: cronSecret });
    app = running.app;
  }

  /** How many engines have not left. */
  async function engines(): Promise<number> {
    const { rows } = await client.query<{ engines: number }>(
      `select count(*)::int4 as engines from ${schema}.executors where revoked_at is null`,
    );
    return rows[0]?.engines ?? 0;
  }

  async function tick(): Promise<number> {
    const { status } = await fetch(`${app}/tick`, { headers: { authorization: `Bearer ${cronSecret}` } });
    return status;
  }

  describe('serverless', () => {
    it('has an engine for as long as there is work after a request, and at each tick', async () => {
      await start('serverless');
      const placed = await send(`${app}/orders`, { key: '"a"', body: '"lamp"' });
      expect([placed.status, placed.json]).toMatchObject([200, { sku: 'lamp' }]);
      await eventually('the engine has left', async () => (await engines()) === 0);

      const begun = await send(`${app}/waits`, { key: '"b"', body: {}, headers: { prefer: 'respond-async' } });
      expect(begun.status).toBe(202);
      await eventually('the engine has left the run that waits', async () => (await engines()) === 0);
      const { id } = begun.json as { readonly id: string };
      const perdure = await PerdureClient.connect({ databaseUrl: inject('postgresUrl'), schema });
      try {
        await perdure.send(id, 'word', 'hello');
        expect((await fetch(`${app}/tick`)).status).toBe(401);
        expect(await engines()).toBe(0);
        expect(await tick()).toBe(200);
        expect(await perdure.run(id).result()).toMatchObject({ heard: 'hello' });
      } finally {
        await perdure.close();
      }
      await eventually('the engine has left', async () => (await engines()) === 0);
    });

    it('goes on with a run when the response is out, without a tick', async () => {
      await start('serverless');
      const begun = await send(`${app}/packs`, { key: '"a"', body: {} });
      expect(begun.status).toBe(202);
      const perdure = await PerdureClient.connect({ databaseUrl: inject('postgresUrl'), schema });
      try {
        const { id } = begun.json as { readonly id: string };
        expect(await perdure.run(id).result()).toEqual(['lamp', 'bulb', 'leaflet']);
      } finally {
        await perdure.close();
      }
      await eventually('the engine has left', async () => (await engines()) === 0);
    });
  });

  describe('external', () => {
    it('leaves the runs of its routes to the processes that serve its queue', async () => {
      await start('external');
      const place = workflow(
        'modes: place',
        async (sku: string) => ({ sku, pid: await step.run('pid', () => process.pid) }),
        { version: '1' },
      );
      const waiting = await send(`${app}/waits`, { key: '"b"', body: {}, headers: { prefer: 'respond-async' } });
      expect(waiting.status).toBe(202);
      const { id } = waiting.json as { readonly id: string };
      const { json } = await send(`${app}/runs/${id}`, { method: 'GET', key: null });
      expect(json).toMatchObject({ id, status: 'enqueued' });
      const worker = await Perdure.launch({
        databaseUrl: inject('postgresUrl'),
        schema,
        workflows: [place],
        queues: ['next'],
      });
      try {
        const placed = await send(`${app}/orders`, { key: '"a"', body: '"lamp"' });
        expect([placed.status, placed.json]).toEqual([200, { sku: 'lamp', pid: process.pid }]);
      } finally {
        await worker.shutdown({ drainMs: 0 });
      }
    });
  });

  describe('embedded', () => {
    it('starts a run by a server action, one for each key, and does not wait for it', async () => {
      await start('embedded');
      const page = await (await fetch(app)).text();
      const action = /&quot;id&quot;:&quot;([0-9a-f]+)&quot;/.exec(page)?.[1] ?? '';
      const call = async (...args: (string | null)[]): Promise<string> => {
        const response = await fetch(app, {
          method: 'POST',
          headers: { 'next-action': action, 'content-type': 'text/plain;charset=UTF-8', accept: 'text/x-component' },
          body: JSON.stringify(args),
        });
        const text = await response.text();
        return /"workflowId":"([^"]+)"/.exec(text)?.[1] ?? `${response.status} ${text}`;
      };
      const [first, again, other, free] = [
        await call('lamp', 'k'),
        await call('lamp', 'k'),
        await call('lamp', 'l'),
        await call('lamp', null),
      ];
      expect(again).toBe(first);
      expect(new Set([first, other, free]).size).toBe(3);
      for (const id of [first, other, free]) {
        const { status, json } = await send(`${app}/runs/${id}/result?wait=20`, { method: 'GET', key: null });
        expect([status, json]).toEqual([200, { sku: 'lamp', pid: running.child.pid }]);
      }
      expect(await call('chair', 'k')).not.toBe(first);
    });
  });
}
