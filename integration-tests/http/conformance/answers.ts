import { randomUUID } from 'node:crypto';
import { step, workflow } from '@perdure/core';
import { launch, type LogItem } from '@perdure/core/internal';
import { httpWorkflows, reply } from '@perdure/http';
import { expect, it } from 'vitest';
import { gate } from '../../support/gate.js';
import { bench, type Place } from '../bench.js';
import type { TestResponse, TestRoute } from '../frameworks.js';
import type { Received } from '../http-client.js';

/** Points 8 to 15, 17 to 19 and 22: what the first request gets, and what those after it. */
export function answersConformance(place: Place): void {
  it.each([1, 2])(
    '8. fifty requests at once over %i engines are one execution, and fifty equal answers',
    async (engines) => {
      let calls = 0;
      let paid = 0;
      const pay = workflow('pay', async (order: { id: number }) =>
        reply(201, { order: order.id, no: await step.run('charge', () => (paid += 1)) }),
      );
      const { server, another } = await bench(place, [
        { kind: 'durable', path: '/durable', workflow: pay },
        {
          kind: 'idempotent',
          path: '/handler',
          handler: async () => {
            calls += 1;
            await new Promise((resolve) => setTimeout(resolve, 20));
            return { status: 201, body: `call ${calls}` };
          },
        },
      ]);
      const servers = engines === 1 ? [server] : [server, await another()];
      for (const path of ['/durable', '/handler']) {
        const key = `"${randomUUID()}"`;
        const sent = Array.from({ length: 50 }, (_, no) => servers[no % engines]!.post(path, { key, body: { id: 7 } }));
        const received = await Promise.all(sent);
        expect(new Set(received.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
        expect(received[0]!.status).toBe(201);
        expect(received.filter(({ headers }) => !headers.has('idempotent-replayed'))).toHaveLength(1);
      }
      expect([calls, paid]).toEqual([1, 1]);
    },
  );

  it('9. a key is its run, and a crash as it is stored leaves no orphan', { timeout: 60_000 }, async () => {
    const pay = workflow('pay', async (order: { id: number }) => order.id);
    const { test, server } = await bench(place, [{ kind: 'durable', path: '/pay', workflow: pay }], {
      launch: { lease: 600 },
    });
    const stopped = gate();
    const dying = await launch({
      database: await test.reopen(),
      schema: test.schema,
      lease: 600,
      workflows: [pay, ...httpWorkflows()],
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      // The first thing that becomes durable is the last.
      afterFlush: async (items: readonly LogItem[]) => {
        if (!items.some(({ kind }) => kind === 'start')) return;
        stopped.open();
        await new Promise<never>(() => {});
      },
    });
    const app = await place.framework.start(dying, [{ kind: 'durable', path: '/pay', workflow: pay }]);
    const lost = fetch(`${app.url}/pay`, {
      method: 'POST',
      headers: { 'idempotency-key': '"k"', 'content-type': 'application/json' },
      body: '{"id":7}',
    }).catch(() => 'cut');
    await stopped.opened;
    await dying.shutdown({ drainMs: 0 });
    app.abandon();
    await lost;
    const retried = await server.post('/pay', { key: '"k"', body: { id: 7 } });
    expect([retried.status, retried.text]).toEqual([200, '7']);
    expect((await server.post('/pay', { key: '"k"', body: { id: 8 } })).status).toBe(422);
  });

  const responses: Record<string, TestResponse> = {
    created: { status: 201, headers: { location: '/orders/7', 'content-type': 'application/json' }, body: '{"id":7}' },
    'no content': { status: 204 },
    'bad request': { status: 400, headers: { 'content-type': 'application/json' }, body: '{"error":"no such sku"}' },
    'not found': { status: 404 },
    conflict: { status: 409, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'sold out' },
    'server error': { status: 500, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'broken' },
    text: { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'h\u00e9llo \u2713\r\n' },
    binary: {
      status: 200,
      headers: { 'content-type': 'application/octet-stream' },
      body: Uint8Array.of(0, 255, 128, 13, 10, 0),
    },
  };

  it('10. a repeated request gets what the first one got, success or error', async () => {
    const calls = new Map<string, number>();
    const { server, another } = await bench(
      place,
      Object.entries(responses).map(([name, response]): TestRoute => ({
        kind: 'idempotent',
        path: `/${name.replaceAll(' ', '-')}`,
        handler: () => {
          calls.set(name, (calls.get(name) ?? 0) + 1);
          return response;
        },
      })),
    );
    const second = await another();
    for (const [name, { status, headers }] of Object.entries(responses)) {
      const path = `/${name.replaceAll(' ', '-')}`;
      const first = await server.post(path, { key: '"k"' });
      const again = await second.post(path, { key: '"k"' });
      expect([name, first.status]).toEqual([name, status]);
      expect([name, again.status, again.text]).toEqual([name, first.status, first.text]);
      expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
      expect(again.headers.get('location')).toBe(headers?.['location'] ?? null);
      expect([name, calls.get(name)]).toEqual([name, 1]);
    }
  });

  it('10b. a workflow says what its response is, and its failure is repeated too', async () => {
    let tries = 0;
    const routes: TestRoute[] = [
      { kind: 'durable', path: '/value', workflow: workflow('value', async (body: unknown) => ({ body })) },
      { kind: 'durable', path: '/nothing', workflow: workflow('nothing', async () => {}) },
      {
        kind: 'durable',
        path: '/reply',
        workflow: workflow('reply', async () => reply(201, { id: 7 }, { Location: '/orders/7' })),
      },
      {
        kind: 'durable',
        path: '/bytes',
        workflow: workflow('bytes', async () => reply(200, Uint8Array.of(1, 2), { 'content-type': 'image/x-test' })),
      },
      {
        kind: 'durable',
        path: '/fails',
        workflow: workflow('fails', async () => {
          await step.run('charge', () =>
            Promise.reject(Object.assign(new Error(`declined ${(tries += 1)}`), { status: 402 })),
          );
        }),
      },
    ];
    const { server } = await bench(place, routes);
    const seen: Record<string, unknown> = {};
    for (const { path } of routes) {
      const [first, again] = [
        await server.post(path, { key: '"k"', body: { a: 1 } }),
        await server.post(path, { key: '"k"', body: { a: 1 } }),
      ];
      expect([again.status, again.text]).toEqual([first.status, first.text]);
      expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual(
        [null, 'true'].map((it) => (path === '/fails' && place.framework.name.startsWith('Request') ? null : it)),
      );
      seen[path] = [again.status, again.text, again.headers.get('content-type'), again.headers.get('location')];
    }
    const json = 'application/json; charset=utf-8';
    expect(seen).toMatchObject({
      '/value': [200, '{"body":{"a":1}}', json, null],
      '/nothing': [204, '', null, null],
      '/reply': [201, '{"id":7}', json, '/orders/7'],
      '/bytes': [200, '\u0001\u0002', 'image/x-test', null],
      '/fails': [402, '{"error":"declined 1"}', expect.stringContaining('application/json'), null],
    });
    expect(tries).toBe(1);
  });

  it('11. replays say so, and repeat no header that was true only once', async () => {
    const headers = {
      'set-cookie': 'session=secret',
      'access-control-allow-origin': 'https://a.example',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'server-timing': 'db;dur=5',
      etag: '"v1"',
      location: '/orders/7',
      'content-language': 'en',
    };
    const { server } = await bench(place, [
      { kind: 'idempotent', path: '/a', handler: () => ({ status: 201, headers }) },
    ]);
    const first = await server.post('/a', { key: '"k"', headers: { 'idempotent-replayed': 'true' } });
    const again = await server.post('/a', { key: '"k"' });
    const seen = (received: Received, names: readonly string[]) => names.map((name) => received.headers.get(name));
    expect(seen(first, ['idempotent-replayed', 'set-cookie'])).toEqual([null, 'session=secret']);
    expect(seen(again, ['idempotent-replayed', 'etag', 'location', 'content-language'])).toEqual([
      'true',
      '"v1"',
      '/orders/7',
      'en',
    ]);
    expect(seen(again, ['set-cookie', 'access-control-allow-origin', 'traceparent', 'server-timing'])).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('12. replays survive a restart, come from any process, and execute nothing', async () => {
    let executed = 0;
    const pay = workflow('pay', async (order: unknown) => step.run('charge', () => ({ order, no: (executed += 1) })));
    const { server, another } = await bench(place, [
      { kind: 'durable', path: '/durable', workflow: pay },
      {
        kind: 'idempotent',
        path: '/handler',
        handler: async () => ({ status: 200, body: `handled ${(executed += 1)}` }),
      },
    ]);
    const first = [
      await server.post('/durable', { key: '"k"', body: { id: 1 } }),
      await server.post('/handler', { key: '"k"' }),
    ];
    await server.app.close({ graceMs: 100, drainMs: 100 });
    const restarted = await another();
    for (let no = 0; no < 50; no += 1) {
      const again = [
        await restarted.post('/durable', { key: '"k"', body: { id: 1 } }),
        await restarted.post('/handler', { key: '"k"' }),
      ];
      expect(again.map(({ status, text }) => [status, text])).toEqual(first.map(({ status, text }) => [status, text]));
    }
    expect(executed).toBe(2);
  });

  it('13. a duplicate of a request under way waits for its answer, or is told to come back', async () => {
    const started = gate();
    const end = gate();
    const work = async (): Promise<void> => {
      started.open();
      await end.opened;
    };
    const slow = workflow('slow', async () => step.run('work', async () => work().then(() => 'done')));
    const handler = async () => work().then(() => ({ status: 200, body: 'done' }));
    const variants = [
      ['join', { onConcurrent: 'join' }],
      ['conflict', { onConcurrent: 'conflict' }],
      ['impatient', { waitMs: 30 }],
      ['full', { maxJoiners: 0 }],
      ['accept', { onConcurrent: 'accept' }],
    ] as const;
    const { server, another } = await bench(
      place,
      variants.flatMap(([name, options]): TestRoute[] => [
        { kind: 'idempotent', path: `/handler-${name}`, handler, options },
        { kind: 'durable', path: `/durable-${name}`, workflow: slow, options },
      ]),
    );
    const other = await another();
    const firsts: Promise<Received>[] = [];
    const joined: Promise<Received>[] = [];
    for (const kind of ['handler', 'durable']) {
      for (const [name] of variants) {
        const path = `/${kind}-${name}`;
        firsts.push(server.post(path, { key: '"k"' }));
        await expect.poll(() => server.perdure.health().runs).toBe(firsts.length);
        for (const place of [server, other]) {
          const duplicate = place.post(path, { key: '"k"' });
          if (name === 'join') joined.push(duplicate);
          else {
            const { status, headers, json } = await duplicate;
            expect([path, status]).toEqual([path, name === 'accept' ? 202 : 409]);
            expect(headers.get('retry-after')).toBe('1');
            if (status === 409) expect(json).toMatchObject({ code: 'concurrent-request' });
          }
        }
      }
    }
    end.open();
    const received = await Promise.all([...firsts, ...joined]);
    expect(new Set(received.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(received.map(({ text }) => text.replaceAll('"', '')))).toEqual(new Set(['done']));
    expect((await Promise.all(joined)).every(({ headers }) => headers.get('idempotent-replayed') === 'true')).toBe(
      true,
    );
  });

  it('14. whoever comes second to a finished request gets its answer, also where duplicates are refused', async () => {
    const { server, another } = await bench(place, [
      {
        kind: 'idempotent',
        path: '/handler',
        handler: () => ({ status: 201, body: 'made' }),
        options: { onConcurrent: 'conflict' },
      },
      {
        kind: 'durable',
        path: '/durable',
        workflow: workflow('made', async () => reply(201, 'made')),
        options: { onConcurrent: 'conflict' },
      },
    ]);
    const other = await another();
    for (const path of ['/handler', '/durable']) {
      await server.post(path, { key: '"k"' });
      const again = await Promise.all([server, other, other, server].map((it) => it.post(path, { key: '"k"' })));
      expect(again.map(({ status, text }) => [status, text])).toEqual(Array.from({ length: 4 }, () => [201, 'made']));
    }
  });

  it('15. a key used for another payload is 422, also while the first request is under way, and changes nothing', async () => {
    const end = gate();
    const inputs: unknown[] = [];
    const slow = workflow('slow', async (input: unknown) => {
      inputs.push(input);
      return await step.run('work', async () => end.opened.then(() => 'done'));
    });
    const { server, another } = await bench(place, [
      { kind: 'durable', path: '/durable', workflow: slow, options: { onConcurrent: 'conflict' } },
      // What the workflow gets is not all that counts.
      { kind: 'durable', path: '/constant', workflow: slow, input: () => 'the same' },
      {
        kind: 'idempotent',
        path: '/handler',
        options: { onConcurrent: 'conflict' },
        handler: async ({ body }) => {
          inputs.push(body);
          await end.opened;
          return { status: 200, body: 'done' };
        },
      },
    ]);
    const other = await another();
    const paths = ['/durable', '/constant', '/handler'];
    const firsts = paths.map((path) => server.post(path, { key: '"k"', body: { a: 1 } }));
    await expect.poll(() => inputs.length).toBe(3);
    const differs = async () => {
      for (const path of paths) {
        for (const place of [server, other]) {
          const { status, json } = await place.post(path, { key: '"k"', body: { a: 2 } });
          expect([path, status]).toEqual([path, 422]);
          expect(json).toMatchObject({ code: 'key-reused' });
        }
      }
    };
    await differs();
    end.open();
    expect((await Promise.all(firsts)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await differs();
    expect(inputs).toHaveLength(3);
    for (const path of paths) expect((await other.post(path, { key: '"k"', body: { a: 1 } })).status).toBe(200);
  });

  it('17. another key with the same payload is another operation', async () => {
    let calls = 0;
    const { server } = await bench(place, [
      { kind: 'idempotent', path: '/a', handler: () => ({ status: 200, body: `${(calls += 1)}` }) },
    ]);
    const texts = [];
    for (const key of ['"a"', '"b"', '"c"']) texts.push((await server.post('/a', { key, body: { same: true } })).text);
    expect(texts).toEqual(['1', '2', '3']);
  });

  it('18. keys belong to a principal and an endpoint, and nobody reads what is another’s', async () => {
    const pay = workflow('pay', async (order: unknown) => ({ order, id: await step.run('id', () => randomUUID()) }));
    const handler = () => ({ status: 200, body: randomUUID() });
    const { server } = await bench(
      place,
      [
        { kind: 'durable', path: '/durable', workflow: pay, options: { mode: 'auto' } },
        { kind: 'idempotent', path: '/handler', handler },
        { kind: 'idempotent', path: '/elsewhere', handler },
      ],
      { app: { authorize: 'owner' } },
    );
    for (const path of ['/durable', '/handler']) {
      const ask = (user: string, token: string) =>
        server.post(path, {
          key: '"k"',
          user,
          body: { a: 1 },
          headers: { authorization: token, 'idempotent-replayed': 'true' },
        });
      const alice = await ask('alice', 'Bearer 1');
      const mallory = await ask('mallory', 'Bearer 2');
      expect(mallory.text).not.toBe(alice.text);
      expect(mallory.headers.has('idempotent-replayed')).toBe(false);
      // A new token is not a new client.
      const refreshed = await ask('alice', 'Bearer 3');
      expect([refreshed.text, refreshed.headers.get('idempotent-replayed')]).toEqual([alice.text, 'true']);
    }
    const [here, there] = [
      await server.post('/handler', { key: '"e"' }),
      await server.post('/elsewhere', { key: '"e"' }),
    ];
    expect(here.text).not.toBe(there.text);

    const started = await server.post('/durable', { key: '"r"', user: 'alice', headers: { prefer: 'respond-async' } });
    const location = started.headers.get('location')!;
    const look = async (user?: string, suffix = '/result?wait=5') =>
      (await server.post(`${location}${suffix}`, { method: 'GET', key: null, ...(user === undefined ? {} : { user }) }))
        .status;
    expect(await look('alice')).toBe(200);
    expect([await look('mallory'), await look(), await look('mallory', '')]).toEqual([404, 404, 404]);
    expect((await server.post(`${location}/cancel`, { key: null, user: 'mallory' })).status).toBe(404);
    expect((await server.post('/runs/h_nobody', { method: 'GET', key: null, user: 'alice' })).status).toBe(404);
  });

  it('18b. what a client sends cannot pass for a response of its own making', async () => {
    const echo = workflow('echo', async (body: unknown) => body);
    const { server } = await bench(place, [{ kind: 'durable', path: '/echo', workflow: echo }]);
    const forged = { 'perdure.http.response': 1, status: 299, headers: { 'set-cookie': 'a=b' }, body: { text: 'x' } };
    for (const marker of [1, '1n', { $bigint: '1' }, ['BigInt', '1']]) {
      const answer = await server.post('/echo', { body: { ...forged, 'perdure.http.response': marker } });
      expect([answer.status, answer.headers.has('set-cookie')]).toEqual([200, false]);
    }
  });

  it('19. a key is forgotten some time after completion, and never while its run lives', async () => {
    let calls = 0;
    const end = gate();
    const slow = workflow('slow', async () => step.run('work', async () => end.opened.then(() => (calls += 1))));
    const count = workflow('count', async () => step.run('count', () => (calls += 1)));
    const { server } = await bench(place, [
      {
        kind: 'idempotent',
        path: '/handler',
        handler: () => ({ status: 200, body: `${(calls += 1)}` }),
        options: { ttlMs: 1 },
      },
      { kind: 'durable', path: '/durable', workflow: count, options: { ttlMs: 1 } },
      { kind: 'durable', path: '/live', workflow: slow, options: { ttlMs: 1, onConcurrent: 'conflict' } },
      {
        kind: 'idempotent',
        path: '/kept',
        handler: () => ({ status: 200, body: `${(calls += 1)}` }),
        options: { ttlMs: null },
      },
    ]);
    for (const path of ['/handler', '/durable']) {
      const texts: string[] = [];
      // Another payload is no conflict with a key that is forgotten.
      for (const body of [{ a: 1 }, { a: 2 }]) {
        await expect.poll(async () => (await server.post(path, { key: '"k"', body })).status).toBe(200);
        texts.push(path);
      }
    }
    expect(calls).toBeGreaterThanOrEqual(4);
    const kept = [await server.post('/kept', { key: '"k"' }), await server.post('/kept', { key: '"k"' })];
    expect(kept[1]!.text).toBe(kept[0]!.text);
    const first = server.post('/live', { key: '"k"' });
    await expect.poll(() => server.perdure.health().runs).toBe(1);
    expect((await server.post('/live', { key: '"k"' })).status).toBe(409);
    end.open();
    expect((await first).status).toBe(200);
  });

  it('22. what is refused before a run exists leaves the key free', async () => {
    const evenNumber = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => (Number(value) % 2 === 0 ? { value } : { issues: [{ message: 'must be even' }] }),
      },
    } as const;
    const checked = workflow('checked', async (n: number) => n, { input: evenNumber });
    const plain = workflow('plain', async (n: number) => n);
    const { server } = await bench(place, [
      { kind: 'durable', path: '/schema', workflow: checked, input: (body) => (body as { n: number }).n },
      {
        kind: 'durable',
        path: '/mapper',
        workflow: plain,
        input: (body) => {
          if ((body as { n: number }).n === 3) throw Object.assign(new Error('three is not for sale'), { status: 404 });
          return (body as { n: number }).n;
        },
      },
    ]);
    const invalid = await server.post('/schema', { key: '"k"', body: { n: 3 } });
    expect(invalid.status).toBe(400);
    expect(invalid.json).toMatchObject({ code: 'invalid-input', errors: [{ detail: 'must be even' }] });
    expect((await server.post('/mapper', { key: '"k"', body: { n: 3 } })).status).toBe(404);
    for (const path of ['/schema', '/mapper']) {
      const corrected = await server.post(path, { key: '"k"', body: { n: 4 } });
      expect([path, corrected.status, corrected.text]).toEqual([path, 200, '4']);
    }
  });

  it('22b. a body that is no JSON is refused, and leaves the key free', async () => {
    const echo = workflow('echo', async (body: unknown) => ({ body: body ?? null }));
    const { server } = await bench(place, [{ kind: 'durable', path: '/echo', workflow: echo }]);
    const refused = await server.post('/echo', { key: '"k"', body: '{"a":' });
    expect(refused.status).toBe(400);
    const corrected = await server.post('/echo', { key: '"k"', body: '{"a":1}' });
    expect([corrected.status, corrected.json]).toEqual([200, { body: { a: 1 } }]);
    if (place.framework.hasWebRequests !== true) return;
    // The others have a parser of their own, and say what it says.
    expect(refused.json).toMatchObject({ code: 'invalid-input', detail: 'The body is not JSON.' });
    for (const body of [undefined, '']) {
      const empty = await server.post('/echo', { body });
      expect([empty.status, empty.json]).toEqual([200, { body: null }]);
    }
  });
}
