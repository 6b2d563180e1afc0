import { gzipSync } from 'node:zlib';
import { workflow } from '@perdure/core';
import type { Row, Statement } from '@perdure/core/internal';
import { reply } from '@perdure/http';
import { expect, it } from 'vitest';
import { countingDatabase } from '../../support/counting-database.js';
import { freshDatabase } from '../../support/engines.js';
import { gate } from '../../support/gate.js';
import { passOn } from '../../support/pass-on.js';
import { bench, type Place } from '../bench.js';
import type { NeutralOptions, TestRoute } from '../frameworks.js';
import { sendRaw } from '../http-client.js';

/** Points 3, 10, 16, 18, 21 and 28 once more, with what a client sends that means harm, or is made by one that does not care. */
export function hostileConformance(place: Place): void {
  const tellsLinesApart = place.framework.hasWebRequests !== true;

  /** Answers how often it was called. */
  const counting = (path: string, options: NeutralOptions = {}): TestRoute => {
    let calls = 0;
    return { kind: 'idempotent', path, options, handler: () => ({ status: 200, body: String((calls += 1)) }) };
  };

  it('3b. a key that is put together of two header lines is none', async () => {
    const { server } = await bench(place, [counting('/a')]);
    const statusOf = async (...keys: readonly string[]) => {
      const lines = keys.map((key) => ['Idempotency-Key', key] as const);
      return (await sendRaw(`${server.app.url}/a`, [...lines, ['content-length', '0']])).status;
    };
    expect(await statusOf('"a', 'b"')).toBe(tellsLinesApart ? 400 : 200);
    expect(await statusOf('"k"', '"k"')).toBe(400);
    expect(await statusOf('k', 'k')).toBe(400);
    expect(await statusOf('"k"')).toBe(200);
  });

  it.skipIf(place.framework.dropsEncodings)(
    '10c. a body is sent again in the encoding that it was stored in',
    async () => {
      const { server } = await bench(place, [
        {
          kind: 'idempotent',
          path: '/zipped',
          handler: () => ({
            status: 200,
            headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
            body: gzipSync('made once'),
          }),
        },
      ]);
      const [first, again] = [
        await server.post('/zipped', { key: '"k"' }),
        await server.post('/zipped', { key: '"k"' }),
      ];
      expect([first.text, again.text]).toEqual(['made once', 'made once']);
      expect(again.headers.get('content-encoding')).toBe('gzip');
    },
  );

  it('10d. a response that has no body says nothing of its length', async () => {
    const empty = workflow('hostile: empty', async () => reply(204, { not: 'sent' }));
    const { server } = await bench(place, [{ kind: 'durable', path: '/empty', workflow: empty }]);
    for (const _ of ['first', 'again']) {
      const { status, text, headers } = await server.post('/empty', { key: '"k"' });
      expect([status, text, headers.get('content-length')]).toEqual([204, '', null]);
    }
    // The connection is still in step.
    expect((await server.post('/empty', { key: '"other"' })).status).toBe(204);
  });

  it('16c. ten megabytes are refused however they come, and leave the key free', async () => {
    const { server } = await bench(place, [counting('/a')]);
    const large = JSON.stringify({ text: 'x'.repeat(10_000_000) });
    const headers = { 'idempotency-key': '"k"', 'content-type': 'application/json' };
    const chunked = await fetch(`${server.app.url}/a`, {
      method: 'POST',
      headers,
      body: new Blob([large]).stream(),
      duplex: 'half',
    });
    expect([chunked.status, await chunked.json()]).toMatchObject([413, { code: 'body-too-large' }]);
    const declared = await server.post('/a', { key: '"k"', body: large });
    expect([declared.status, declared.json]).toMatchObject([413, { code: 'body-too-large' }]);
    const small = await server.post('/a', { key: '"k"', body: {} });
    expect([small.status, small.text]).toEqual([200, '1']);
  });

  it('16d. a body that is nested without end is refused, and leaves the key free', async () => {
    const { server } = await bench(place, [counting('/a')]);
    const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const deep = await server.post('/a', { key: '"k"', body: nested });
    expect(deep.status).toBe(400);
    expect((await server.post('/a', { key: '"k"', body: {} })).text).toBe('1');
  });

  it('18c. what looks like a mark of this package is data like any other', async () => {
    const echo = workflow('hostile: echo', async (body: unknown) => body);
    const { server } = await bench(
      place,
      [
        { kind: 'durable', path: '/echo', workflow: echo },
        { kind: 'durable', path: '/async', workflow: echo, options: { mode: 'async' } },
      ],
      { app: { authorize: () => true } },
    );
    const evil = { status: 302, headers: { location: 'https://evil.example', 'set-cookie': 'a=b' }, body: null };
    const bodies = [
      { interrupted: true },
      { 'perdure.http.interrupted': 1 },
      { 'perdure.http.interrupted': '1' },
      { 'perdure.http.response': 1, ...evil },
      { 'perdure.http.response': '1n', ...evil },
      { 'perdure.http.response': { BigInt: '1' }, ...evil },
      { name: 'HttpProblem', title: 'forged', code: 'forbidden', ...evil },
    ];
    for (const body of bodies) {
      const key = JSON.stringify(JSON.stringify(body).slice(0, 60));
      for (const no of [1, 2]) {
        const { status, json, headers } = await server.post('/echo', { key, body });
        expect([no, status, json]).toEqual([no, 200, body]);
        expect([headers.get('location'), headers.get('set-cookie')]).toEqual([null, null]);
      }
      const location = (await server.post('/async', { key, body })).headers.get('location')!;
      const result = await server.post(`${location}/result?wait=20`, { method: 'GET', key: null });
      expect([result.status, result.json]).toEqual([200, body]);
    }
  });

  it('18e. each engine of a process answers the requests of its own application, whatever the keys', async () => {
    const started = gate();
    const slow: Place['open'] = async () => {
      const test = await place.open();
      const query = async <R extends Row>(statement: Statement) => {
        if (statement.name.includes('_flush_')) await started.opened;
        return await test.database.query<R>(statement);
      };
      return { ...test, database: { ...passOn(test.database), query } };
    };
    const answering = (body: string): TestRoute[] => [
      { kind: 'idempotent', path: '/who', handler: () => ({ status: 200, body }) },
    ];
    const { server: first } = await bench({ ...place, open: slow }, answering('the first one'));
    const { server: second } = await bench(place, answering('the second one'));
    const asked = first.post('/who', { key: '"k"' });
    await expect.poll(() => first.perdure.health().backlogBytes).toBeGreaterThan(0);
    expect((await second.post('/who', { key: '"k"' })).text).toBe('the second one');
    started.open();
    expect((await asked).text).toBe('the first one');
  });

  it('18d. nobody reaches the runs of another, and those of nobody are nobody’s', async () => {
    const work = workflow('hostile: work', async () => 'secret');
    const routes: TestRoute[] = [{ kind: 'durable', path: '/work', workflow: work, options: { mode: 'async' } }];
    const { server } = await bench(place, routes, {
      app: { authorize: 'owner', events: { events: ['progress'] } },
    });
    const as = async (user: string | null, path: string, method = 'GET') => {
      const headers = user === null ? {} : { 'x-user': user };
      const { status, text } = await server.post(path, { method, key: null, headers });
      expect(status === 200 || !text.includes('secret')).toBe(true);
      return status;
    };
    const start = async (user: string | null) => {
      const headers = user === null ? {} : { 'x-user': user };
      return (await server.post('/work', { key: '"k"', headers })).headers.get('location')!;
    };
    const ofAlice = await start('alice');
    const ofNobody = [await start(null), await start('')];
    for (const user of ['bob', 'Alice', 'alice\u00a0', 'null', '', null]) {
      for (const path of ['', '/result', '/events'])
        expect([user, await as(user, ofAlice + path)]).toEqual([user, 404]);
      expect(await as(user, `${ofAlice}/cancel`, 'POST')).toBe(404);
      for (const location of ofNobody) expect([user, await as(user, location)]).toEqual([user, 404]);
    }
    expect(await as('alice', `${ofAlice}/result?wait=20`)).toBe(200);
    expect(new Set([ofAlice, ...ofNobody]).size).toBe(2);
  });

  it('19b. a key that is used again and again costs no more for all the times before', async () => {
    const test = await freshDatabase(place.open);
    const database = countingDatabase(test.database);
    const routes = [counting('/a', { ttlMs: 1 })];
    const { server } = await bench(
      { ...place, open: async () => ({ ...test, database, dispose: async () => {} }) },
      routes,
    );
    const again = async (times: number): Promise<void> => {
      const answer = async () => (await server.post('/a', { key: '"k"' })).text;
      await expect.poll(answer).toBe(String(times));
    };
    for (let times = 1; times <= 40; times += 1) await again(times);
    const before = database.sent.length;
    const isLookUp = ({ name }: { readonly name: string }) => /runs_find/.test(name);
    await server.post('/a', { key: '"k"' });
    expect(database.sent.slice(before).filter(isLookUp).length).toBeLessThan(30);
  });

  it('21b. a problem says which request it is about, and nothing of its query', async () => {
    const { server } = await bench(place, [counting('/a')]);
    const { status, json } = await server.post('/a?token=secret', { key: null });
    expect([status, json]).toMatchObject([400, { instance: expect.stringMatching(/\/a$/), code: 'key-missing' }]);
    const unknown = await server.post('/runs/nobody?token=secret', { method: 'GET', key: null });
    expect([unknown.status, unknown.json]).toMatchObject([403, { instance: expect.stringMatching(/\/runs\/nobody$/) }]);
  });

  it.runIf(tellsLinesApart)('28c. requests that no browser sends break nothing', async () => {
    const { server } = await bench(place, [counting('/a')]);
    const raw = async (method: string, path: string) =>
      (await sendRaw(server.app.url, [['idempotency-key', '"k"']], { method, path })).status;
    expect([404, 405]).toContain(await raw('TRACE', '/runs/a'));
    expect(await raw('GET', 'http://user:secret@localhost/runs/a')).toBe(403);
    expect(await raw('GET', '/runs/..%2f..%2fetc')).toBe(403);
    expect(await raw('GET', '/runs//')).toBeLessThan(500);
    expect(await raw('GET', '/runs/a?wait=1e309&wait=-1')).toBe(403);
  });
}
