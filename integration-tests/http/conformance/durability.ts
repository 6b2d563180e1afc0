import type { Database, Row, Statement } from '@perdure/core/internal';
import { currentRun, setEvent, sleep, step, stream, workflow } from '@perdure/core';
import { reply, type RunEvent } from '@perdure/http';
import { expect, it } from 'vitest';
import { gate } from '../../support/gate.js';
import { passOn } from '../../support/pass-on.js';
import { type Bench, bench, type Place, type Server } from '../bench.js';
import type { TestRequest, TestRoute } from '../frameworks.js';
import { type Received, send } from '../http-client.js';

/** A lease that ends soon, for tests in which a process dies. */
const launch = { lease: 600, poll: 200 };

/** The server's process dies, and another one takes its runs over, so that so many have completed, before anybody asks again. */
async function takenOverUnasked(
  { server, another }: Bench,
  lost: Promise<unknown>,
  completed: number,
): Promise<Server> {
  await server.crash();
  await lost;
  const second = await another();
  const ended = async () => (await second.perdure.runs.count({ status: 'completed' }))[0]?.count;
  await expect.poll(ended).toBe(completed);
  return second;
}

/** Points 23 to 30: what is left of a request when processes, connections and the database fail. */
export function durabilityConformance(place: Place): void {
  it('23. without the database the answer is 503, and nothing runs', async () => {
    let isAway = false;
    let calls = 0;
    const { test, server } = await bench(place, []);
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        if (isAway) throw Object.assign(new Error('the database is away'), { code: 'ECONNREFUSED' });
        return await test.database.query<R>(statement);
      },
    };
    const count = workflow('durability: count', async () => step.run('count', () => (calls += 1)));
    const routes: TestRoute[] = [
      { kind: 'durable', path: '/durable', workflow: count },
      { kind: 'idempotent', path: '/handler', handler: () => ({ status: 200, body: `${(calls += 1)}` }) },
    ];
    const open = async () => ({ ...test, database, dispose: async () => {} });
    const cut = await bench({ ...place, open }, routes, { app: { startTimeoutMs: 100 } });
    isAway = true;
    for (const path of ['/durable', '/handler']) {
      const away = await cut.server.post(path, { key: '"k"' });
      expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1']);
      expect(away.json).toMatchObject({ code: 'unavailable' });
    }
    expect(calls).toBe(0);
    isAway = false;
    for (const path of ['/durable', '/handler']) {
      await expect.poll(async () => (await cut.server.post(path, { key: '"k"' })).status).toBe(200);
    }
    expect(calls).toBe(2);
    await cut.server.perdure.shutdown({ drainMs: 0 });
    expect((await server.post('/none', {})).status).toBe(404);
  });

  it('23b. a handler is not run for a run that began with another payload, however late that became durable', async () => {
    let isAway = false;
    let [payload, arrived] = [1, 0];
    const calls: number[] = [];
    const away = () => Object.assign(new Error('the database is away'), { code: 'ECONNREFUSED' });
    const open: Place['open'] = async () => {
      const test = await place.open();
      const query = async <R extends Row>(statement: Statement) => {
        if (isAway) throw away();
        return await test.database.query<R>(statement);
      };
      return { ...test, database: { ...passOn(test.database), query } };
    };
    const fingerprint = () => {
      arrived += 1;
      return `${payload}`;
    };
    const handler = ({ body }: TestRequest) => {
      const { n } = body as { n: number };
      calls.push(n);
      return { status: 200, body: `${n}` };
    };
    const route: TestRoute = { kind: 'idempotent', path: '/handler', handler, options: { fingerprint } };
    const { server } = await bench({ ...place, open }, [route], { app: { startTimeoutMs: 1_000 } });
    const ask = async () => await server.post('/handler', { key: '"k"', body: { n: payload } });
    isAway = true;
    expect((await ask()).status).toBe(503);
    payload = 2;
    const other = ask();
    await expect.poll(() => arrived).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    isAway = false;
    expect((await other).status).toBe(422);
    expect(calls).toEqual([]);
    payload = 1;
    expect((await ask()).text).toBe('1');
    expect(calls).toEqual([1]);
  });

  it('24. after a crash the repeated request gets what the first would have, and no recorded step runs again', async () => {
    const begun: string[] = [];
    const reached = gate();
    const end = gate();
    const noted = (name: string) => step.run(name, () => void begun.push(name));
    const order = workflow('order', async (input: { id: number }) => {
      await noted('reserve');
      await noted('charge');
      await step.run('ship', async () => {
        begun.push('ship');
        reached.open();
        // The process dies here the first time.
        if (begun.filter((name) => name === 'ship').length === 1) await end.opened;
      });
      return { id: input.id, shipped: true };
    });
    let handled = 0;
    const routes: TestRoute[] = [
      { kind: 'durable', path: '/durable', workflow: order },
      {
        kind: 'idempotent',
        path: '/handler',
        handler: async ({ body }) => {
          handled += 1;
          return { status: 200, body: JSON.stringify(await order(body as { id: number })) };
        },
      },
    ];
    for (const { path } of routes) {
      const { server, another } = await bench(place, routes, { launch, workflows: [order] });
      const other = await another();
      begun.length = 0;
      const sent = { key: '"k"', body: { id: 7 } };
      const lost = server.post(path, sent).catch(() => 'cut');
      await expect.poll(() => begun).toEqual(['reserve', 'charge', 'ship']);
      await server.crash();
      await lost;
      // Three clients come back at once, before anybody has noticed.
      const again = await Promise.all([other.post(path, sent), other.post(path, sent), other.post(path, sent)]);
      expect(again.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(new Set(again.map(({ text }) => text)).size).toBe(1);
      expect(again[0].text).toContain('"shipped":true');
      expect(begun).toEqual(['reserve', 'charge', 'ship', 'ship']);
      expect((await other.post(path, { ...sent, body: { id: 8 } })).status).toBe(422);
    }
    expect(handled).toBe(2);
    end.open();
  });

  it('24b. a handler whose process died runs again in the process where the client comes back, whichever took its run over', async () => {
    const calls: string[] = [];
    const hang = gate();
    const routes: TestRoute[] = [
      {
        kind: 'idempotent',
        path: '/handler',
        handler: async () => {
          calls.push('called');
          if (calls.length === 1) await hang.opened;
          return { status: 200, body: `answer ${calls.length}` };
        },
      },
    ];
    const { server, another } = await bench(place, routes, { launch });
    const third = await another();
    const lost = server.post('/handler', { key: '"k"' }).catch(() => 'cut');
    await expect.poll(() => calls.length).toBe(1);
    await server.crash();
    await lost;
    // Nobody repeats the request, and its run is taken over all the same.
    await another();
    const runs = async () => (await third.post('/handler', { key: '"other"' })).status;
    expect(await runs()).toBe(200);
    await expect.poll(async () => (await third.post('/handler', { key: '"k"' })).status).toBe(200);
    const again = await third.post('/handler', { key: '"k"' });
    expect(again.text).toBe('answer 3');
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    hang.open();
  });

  it('24c. those who wait for a process that dies get the answer or are told to come back', async () => {
    const hang = gate();
    let calls = 0;
    const slow = workflow('durability: slow', async () =>
      step.run('work', async () => {
        calls += 1;
        if (calls === 1) await hang.opened;
        return calls;
      }),
    );
    const { server, another } = await bench(place, [{ kind: 'durable', path: '/durable', workflow: slow }], { launch });
    const other = await another();
    const lost = server.post('/durable', { key: '"k"' }).catch(() => 'cut');
    await expect.poll(() => calls).toBe(1);
    const joined = other.post('/durable', { key: '"k"' });
    await server.crash();
    await lost;
    const { status, text } = await joined;
    expect([status, text]).toEqual([200, '2']);
    hang.open();
  });

  it('24d. a run that was taken over where nobody repeated its request gives no answer: the next request begins anew', async () => {
    let calls = 0;
    const hang = gate();
    const handler = async () => {
      calls += 1;
      if (calls === 1) await hang.opened;
      return { status: 200, body: `answer ${calls}` };
    };
    const bound = await bench(place, [{ kind: 'idempotent', path: '/handler', handler }], { launch });
    const lost = bound.server.post('/handler', { key: '"k"' }).catch(() => 'cut');
    await expect.poll(() => calls).toBe(1);
    const second = await takenOverUnasked(bound, lost, 1);
    for (const replayed of [null, 'true']) {
      const { status, text, headers } = await second.post('/handler', { key: '"k"' });
      expect([status, text, headers.get('idempotent-replayed')]).toEqual([200, 'answer 2', replayed]);
    }
    hang.open();
  });

  it('24e. the workflows of a handler that runs again after a crash are the same, and under a forgotten key others', async () => {
    const steps: unknown[] = [];
    let calls = 0;
    const hang = gate();
    const order = workflow('durability: order', async (id: unknown) => await step.run('note', () => steps.push(id)));
    const handler = async ({ body }: TestRequest) => {
      const { id } = body as { id: number };
      await order(id);
      calls += 1;
      if (calls === 2) await hang.opened; // here its process dies
      return { status: 200, body: `order ${id}` };
    };
    const route: TestRoute = { kind: 'idempotent', path: '/handler', handler, options: { ttlMs: 1 } };
    const bound = await bench(place, [route], { launch, workflows: [order] });
    const { server } = bound;
    expect((await server.post('/handler', { key: '"k"', body: { id: 1 } })).text).toBe('order 1');
    const endedBy = Date.now();
    await expect.poll(() => Date.now()).toBeGreaterThan(endedBy + 1); // the key is forgotten
    const lost = server.post('/handler', { key: '"k"', body: { id: 2 } }).catch(() => 'cut');
    await expect.poll(() => calls).toBe(2);
    const second = await takenOverUnasked(bound, lost, 4);
    expect((await second.post('/handler', { key: '"k"', body: { id: 2 } })).text).toBe('order 2');
    expect([calls, steps]).toEqual([3, [1, 2]]);
    hang.open();
  });

  it('25. a process that was stopped beyond its lease stores no second response', async () => {
    const heldBack = gate();
    let holds = false;
    const { test, server: other } = await bench(place, []);
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        // No heartbeat gets through, and nothing of this process is written until others have noticed.
        if (holds && /_heartbeat|_flush_/.test(statement.name)) await heldBack.opened;
        return await test.database.query<R>(statement);
      },
    };
    const calls: string[] = [];
    const end = gate();
    const routes: TestRoute[] = [
      {
        kind: 'idempotent',
        path: '/handler',
        handler: async () => {
          const call = `call ${calls.push('called')}`;
          if (call === 'call 1') await end.opened;
          return { status: 200, body: call };
        },
      },
    ];
    const view = (view: Database) => async () => ({ ...test, database: view, dispose: async () => {} });
    const stalled = await bench({ ...place, open: view(database) }, routes, { launch });
    const healthy = await bench({ ...place, open: view(await test.reopen()) }, routes, { launch });
    const first = stalled.server.post('/handler', { key: '"k"' });
    await expect.poll(() => calls.length).toBe(1);
    holds = true;
    const second = await healthy.server.post('/handler', { key: '"k"' });
    expect([second.status, second.text]).toEqual([200, 'call 2']);
    end.open();
    holds = false;
    heldBack.open();
    const late = await first;
    // Either what is stored, or a word to come back; never an answer of its own.
    expect([
      [200, 'call 2'],
      [503, ''],
    ]).toContainEqual([late.status, late.status === 200 ? late.text : '']);
    for (const server of [stalled.server, healthy.server]) {
      expect((await server.post('/handler', { key: '"k"' })).text).toBe('call 2');
    }
    expect(calls).toHaveLength(2);
    expect((await other.post('/none', {})).status).toBe(404);
  });

  it('26. a client that goes away changes nothing, unless the run is to be cancelled with it', async () => {
    const end = gate();
    let calls = 0;
    const aborted = gate();
    const slow = workflow('durability: slow', async () => {
      calls += 1;
      return await step.run('work', async () => end.opened.then(() => 'done'));
    });
    const cancelled = workflow('cancelled', async () => {
      calls += 1;
      await step.run('work', async () => {
        currentRun()?.signal.addEventListener('abort', aborted.open);
        await aborted.opened;
      });
    });
    const { server } = await bench(place, [
      { kind: 'durable', path: '/durable', workflow: slow },
      {
        kind: 'idempotent',
        path: '/handler',
        handler: async () => {
          calls += 1;
          await end.opened;
          return { status: 200, body: 'done' };
        },
      },
      { kind: 'durable', path: '/cancel', workflow: cancelled, options: { onDisconnect: 'cancel' } },
    ]);
    const leave = async (path: string): Promise<void> => {
      const expected = calls + 1;
      const controller = new AbortController();
      const sent = server.post(path, { key: '"k"', signal: controller.signal }).catch(() => 'left');
      await expect.poll(() => calls).toBe(expected);
      controller.abort();
      await sent;
    };
    await leave('/durable');
    await leave('/handler');
    await leave('/cancel');
    await aborted.opened;
    end.open();
    for (const path of ['/durable', '/handler']) {
      const again = await server.post(path, { key: '"k"' });
      expect([path, again.status, again.text.replaceAll('"', '')]).toEqual([path, 200, 'done']);
    }
    expect(calls).toBe(3);
    const gone = await server.post('/cancel', { key: '"k"' });
    expect([gone.status, gone.json]).toMatchObject([409, { code: 'cancelled' }]);
  });

  it('26b. a client that left before its run was stored has gone away, too', async () => {
    const asked = gate();
    const left = gate();
    const sleeping = workflow('durability: sleeping', async () => sleep('1h'));
    const { server } = await bench(place, [
      {
        kind: 'durable',
        path: '/cancel',
        workflow: sleeping,
        options: { onDisconnect: 'cancel' },
        input: async () => {
          asked.open();
          await left.opened;
        },
      },
    ]);
    const controller = new AbortController();
    const sent = server.post('/cancel', { key: '"k"', signal: controller.signal }).catch(() => 'left');
    await asked.opened;
    controller.abort();
    await sent;
    // The server hears of other connections in between, so it has heard of this one.
    for (let no = 0; no < 3; no += 1) expect((await server.post('/none')).status).toBe(404);
    left.open();
    const cancelled = async () => (await server.perdure.runs.count({ status: 'cancelled' }))[0]?.count;
    await expect.poll(cancelled).toBe(1);
    const gone = await server.post('/cancel', { key: '"k"' });
    expect([gone.status, gone.json]).toMatchObject([409, { code: 'cancelled' }]);
  });

  it('27. a graceful close answers everybody, and the run goes on elsewhere', async () => {
    let calls = 0;
    const slow = workflow('durability: slow', async () => {
      await step.run('first', () => (calls += 1));
      await sleep('1h');
    });
    const quick = gate();
    const routes: TestRoute[] = [
      { kind: 'durable', path: '/long', workflow: slow },
      {
        kind: 'idempotent',
        path: '/short',
        handler: async () => {
          await quick.opened;
          return { status: 200, body: 'answered' };
        },
      },
    ];
    const { server, another } = await bench(place, routes);
    const other = await another();
    const long = [server.post('/long', { key: '"k"' }), server.post('/long', { key: '"k"' })];
    await expect.poll(() => calls).toBe(1);
    const short = server.post('/short', { key: '"k"' });
    await expect.poll(() => server.perdure.health().runs).toBe(2);
    const closed = server.app.close({ graceMs: 300, drainMs: 1_000 });
    quick.open();
    expect(await short).toMatchObject({ status: 200, text: 'answered' });
    for (const told of await Promise.all(long)) {
      expect([told.status, told.headers.get('retry-after')]).toEqual([503, '1']);
    }
    await closed;
    await expect(send(`${server.app.url}/short`, {})).rejects.toThrow('fetch failed');
    await expect.poll(() => other.perdure.health().runs).toBe(1);
    expect(calls).toBe(1);
  });

  it('27b. a handler that starts something while its engine shuts down spoils nothing for whoever asks again', async () => {
    const charged: string[] = [];
    const charge = workflow('durability: charge', async () =>
      step.run('charge', () => charged.push(currentRun()?.workflowId ?? '')),
    );
    const [begun, late] = [gate(), gate()];
    const handler = async () => {
      begun.open();
      await late.opened;
      return { status: 200, body: `charged ${await charge()}` };
    };
    const { server, another } = await bench(place, [
      { kind: 'idempotent', path: '/late', handler },
      { kind: 'durable', path: '/charge', workflow: charge },
    ]);
    const other = await another();
    const told = server.post('/late', { key: '"k"' });
    await begun.opened;
    const closed = server.app.close({ graceMs: 20, drainMs: 300 });
    await expect.poll(() => server.perdure.health().reasons.map(({ code }) => code)).toContain('draining');
    late.open();
    expect((await told).status).toBe(503);
    await closed;
    const again = await other.post('/late', { key: '"k"' });
    expect([again.status, again.text, charged.length]).toEqual([200, 'charged 1', 1]);
  });

  it('28. an asynchronous request gets a Location, which leads to the response itself', async () => {
    const end = gate();
    const report = workflow('report', async (input: { year: number }) => {
      await step.run('work', async () => end.opened);
      return reply(201, { year: input.year }, { location: `/reports/${input.year}` });
    });
    const { server, another } = await bench(
      place,
      [
        { kind: 'durable', path: '/async', workflow: report, options: { mode: 'async' } },
        { kind: 'durable', path: '/auto', workflow: report, options: { mode: 'auto' } },
        { kind: 'durable', path: '/sync', workflow: workflow('at-once', async () => 1), options: { mode: 'auto' } },
      ],
      { app: { authorize: 'owner' } },
    );
    const other = await another();
    const user = 'alice';
    const ask = (path: string, headers = {}, at = server): Promise<Received> =>
      at.post(path, { key: '"k"', user, body: { year: 1999 }, headers });
    const get = (path: string, at = other): Promise<Received> => at.post(path, { method: 'GET', key: null, user });

    const started = await ask('/async');
    expect(started.status).toBe(202);
    const location = started.headers.get('location')!;
    expect(started.headers.get('retry-after')).toBe('1');
    expect(started.json).toMatchObject({ status: 'running', links: { self: location } });
    expect((await ask('/async', {}, other)).headers.get('location')).toBe(location);

    const preferred = await ask('/auto', { prefer: 'respond-async, wait=0' });
    expect(preferred.status).toBe(202);
    expect(preferred.headers.get('preference-applied')).toBe('respond-async, wait=0');
    expect(preferred.headers.get('vary')).toContain('Prefer');
    const sync = await ask('/sync', { prefer: 'wait=5' });
    expect([sync.status, sync.text, sync.headers.has('preference-applied')]).toEqual([200, '1', false]);

    const running = await get(location);
    expect([running.status, running.json]).toMatchObject([200, { status: 'running' }]);
    expect((await get(`${location}/result`)).status).toBe(202);
    const polled = get(`${location}/result?wait=20`);
    end.open();
    const result = await polled;
    expect([result.status, result.json, result.headers.get('location')]).toEqual([
      201,
      { year: 1999 },
      '/reports/1999',
    ]);
    const done = await get(location);
    expect([done.status, done.headers.get('location')]).toEqual([303, `${location}/result`]);
    expect((await get(done.headers.get('location')!)).json).toEqual({ year: 1999 });
  });

  it('28b. the run endpoints let nobody in by default, and withstand what is sent to them', async () => {
    const quick = workflow('quick', async () => 1);
    const slow = workflow('durability: slow', async () => sleep('1h'));
    const routes: TestRoute[] = [
      { kind: 'durable', path: '/quick', workflow: quick, options: { mode: 'async' } },
      { kind: 'durable', path: '/slow', workflow: slow, options: { mode: 'async' } },
    ];
    const closed = await bench(place, routes);
    const location = (await closed.server.post('/quick', { user: 'alice' })).headers.get('location')!;
    for (const path of ['', '/result', '/events']) {
      const { status, json } = await closed.server.post(location + path, { method: 'GET', key: null, user: 'alice' });
      expect([path, status, json]).toMatchObject([path, 403, { code: 'forbidden' }]);
    }
    const asked: string[] = [];
    const { server } = await bench(place, routes, {
      app: {
        authorize: (_request, { action, runId, isOwner }) => {
          asked.push(action);
          return isOwner && !runId.includes('~');
        },
      },
    });
    const started = (await server.post('/slow', { user: 'alice' })).headers.get('location')!;
    const as = async (method: string, path: string, headers = {}) =>
      (await server.post(path, { method, key: null, user: 'alice', headers })).status;
    expect(await as('GET', started)).toBe(200);
    expect(await as('POST', started)).toBe(405);
    expect(await as('GET', `${started}/cancel`)).toBe(405);
    expect(await as('GET', `${started}/nonsense`)).toBe(404);
    expect(await as('GET', `/runs/${'x'.repeat(300)}`)).toBe(404);
    expect(await as('GET', '/runs/%E0%A4%A')).toBe(place.framework.statusOfMalformedPaths ?? 400);
    expect(await as('GET', '/runs/a%00b')).toBe(404);
    expect(await as('POST', `${started}/cancel`, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await as('POST', `${started}/cancel`)).toBe(202);
    await expect.poll(() => as('GET', `${started}/result`)).toBe(409);
    const ended = await server.post(`${started}/events`, { method: 'GET', key: null, user: 'alice' });
    expect(ended.text).toBe('retry: 2000\n\nid: cancelled\nevent: end\ndata: {"status":"cancelled"}\n\n');
    expect(new Set(asked)).toEqual(new Set(['status', 'events', 'cancel', 'result']));
  });

  it('29. events stream from where the client left off, and stop when it leaves', async () => {
    const log: RunEvent[] = [
      { id: '1', event: 'step', data: { name: 'reserve', state: 'started' } },
      { id: '2', event: 'rollback', data: { step: 'reserve' } },
      { id: '3', event: 'result', data: { status: 201, text: 'line\nbreak' } },
    ];
    let open = 0;
    let calls = 0;
    async function* events(
      runId: string,
      { after, signal }: { after: string | null; signal: AbortSignal },
    ): AsyncGenerator<RunEvent> {
      open += 1;
      calls += 1;
      try {
        for (const event of log) if (Number(event.id) > Number(after ?? 0)) yield event;
        if (runId.endsWith('live')) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      } finally {
        open -= 1;
      }
    }
    const { server } = await bench(place, [], { app: { authorize: () => true, events } });
    const stream = (headers = {}) => server.post('/runs/a/events', { method: 'GET', key: null, headers });
    const whole = await stream();
    expect(whole.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(whole.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(whole.headers.get('x-accel-buffering')).toBe('no');
    expect(whole.text).toBe(
      'retry: 2000\n\n' +
        'id: 1\nevent: step\ndata: {"name":"reserve","state":"started"}\n\n' +
        'id: 2\nevent: rollback\ndata: {"step":"reserve"}\n\n' +
        'id: 3\nevent: result\ndata: {"status":201,"text":"line\\nbreak"}\n\n',
    );
    const rest = await stream({ 'last-event-id': '2' });
    expect(rest.text.match(/^id: .*$/gm)).toEqual(['id: 3']);
    expect(open).toBe(0);

    const head = await server.post('/runs/live/events', { method: 'HEAD', key: null });
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([
      200,
      '',
      'text/event-stream; charset=utf-8',
    ]);
    expect(calls).toBe(2);

    const controller = new AbortController();
    const live = await fetch(`${server.app.url}/runs/live/events`, { signal: controller.signal });
    await live.body!.getReader().read();
    await expect.poll(() => open).toBe(1);
    controller.abort();
    await expect.poll(() => open).toBe(0);
  });

  it('29b. events are what runs publish, from where the client left off, at whichever server', async () => {
    const seen = gate();
    const answering = workflow('durability: answering', async () => {
      const answer = stream<string>('answer');
      await setEvent('progress', 0);
      await answer.append('one');
      const generate = async (): Promise<void> => {
        const { attempt } = currentRun()!.step!;
        await answer.append(`try ${attempt}`);
        await seen.opened;
        if (attempt === 1) throw new Error('again');
      };
      await step.run('generate', generate, { retries: 1, backoff: { initial: 1 } });
      await setEvent('progress', 100);
      await stream('secret').append('secret');
    });
    const events = { streams: ['answer'], events: ['progress'] };
    const { server, another } = await bench(
      place,
      [{ kind: 'durable', path: '/answer', workflow: answering, options: { mode: 'async' } }],
      { app: { authorize: () => true, events } },
    );
    const started = await server.post('/answer', {});
    const url = `${started.headers.get('location')}/events`;
    const live = await fetch(server.app.url + url);
    let text = '';
    for await (const bytes of live.body!) {
      text += Buffer.from(bytes as Uint8Array).toString();
      if (text.includes('try 1')) seen.open();
    }
    const all = eventsIn(text);
    expect(all.filter(({ event }) => event === 'answer').map(({ data }) => data)).toEqual([
      { offset: 0, value: 'one' },
      { offset: 1, value: 'try 1' },
      { offset: 2, discarded: [{ first: 1, last: 1 }] },
      { offset: 3, value: 'try 2' },
    ]);
    expect(all.findLast(({ event }) => event === 'progress')?.data).toBe(100);
    expect(all.at(-1)).toMatchObject({ event: 'end', data: { status: 'completed' } });
    expect(text).not.toContain('secret');

    const elsewhere = await another();
    const from = async (id: string): Promise<RunEvent[]> => {
      const headers = { 'last-event-id': id };
      return eventsIn((await elsewhere.post(url, { method: 'GET', key: null, headers })).text);
    };
    const left = all.findIndex(({ data }) => (data as { value?: unknown }).value === 'try 1');
    const answers = (list: readonly RunEvent[]): unknown[] => list.filter(({ event }) => event === 'answer');
    expect(answers(await from(all[left]!.id)).map((item) => (item as RunEvent).data)).toEqual(
      answers(all.slice(left + 1)).map((item) => (item as RunEvent).data),
    );
    expect(await from(all.at(-1)!.id)).toEqual([all.at(-1)]);
    const whole = await from('no-id-of-ours');
    expect(answers(whole)).toHaveLength(2);
    expect((await server.post('/runs/nobody/events', { method: 'GET', key: null })).status).toBe(404);
  });

  it('30. a response that is too large to keep is sent once, marked, and never made a second time', async () => {
    let calls = 0;
    const body = Buffer.alloc(40_000, 'x');
    const { server, another } = await bench(place, [
      {
        kind: 'idempotent',
        path: '/large',
        options: { maxStoredBody: 10_000 },
        handler: () => {
          calls += 1;
          return { status: 200, headers: { 'content-type': 'text/plain' }, body };
        },
      },
    ]);
    const first = await server.post('/large', { key: '"k"' });
    expect([first.status, first.text.length, first.headers.get('idempotency-status')]).toEqual([
      200,
      40_000,
      'bypassed',
    ]);
    const again = await (await another()).post('/large', { key: '"k"' });
    expect([again.status, again.json]).toMatchObject([
      409,
      { code: 'response-not-replayable', original: { status: 200 } },
    ]);
    expect(calls).toBe(1);
  });
}

function eventsIn(text: string): RunEvent[] {
  return [...text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)$/gm)].map(([, id, event, data]) => ({
    id: id!,
    event: event!,
    data: JSON.parse(data!) as unknown,
  }));
}
