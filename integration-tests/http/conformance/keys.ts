import { workflow } from '@perdure/core';
import { corsHeaders, openApiFragment } from '@perdure/http';
import { expect, it } from 'vitest';
import { countingDatabase } from '../../support/counting-database.js';
import { bench, type Place } from '../bench.js';
import type { NeutralOptions, TestRoute } from '../frameworks.js';
import { send, sendRaw } from '../http-client.js';

/** Points 1 to 7, 16, 20, 21 and 31: what a key is, when it counts, and what is said about it. */
export function keysConformance(place: Place): void {
  /** Answers how often it was called. */
  const counting = (path: string, options: NeutralOptions = {}): TestRoute => {
    let calls = 0;
    return { kind: 'idempotent', path, options, handler: () => ({ status: 200, body: String((calls += 1)) }) };
  };

  it('1. a key is a structured field of type String', async () => {
    const { server } = await bench(place, [counting('/strict', { syntax: 'strict' })]);
    const statusOf = async (key: string) => (await server.post('/strict', { key })).status;
    for (const key of [
      '"8e03978e-40d5"',
      '"a\\"b"',
      '"a\\\\b"',
      '"a, b"',
      '"a b"',
      '"a";x=1;y="z"',
      '"p"; q',
      '"t";x=?1;z=:aGk=:',
    ])
      expect([key, await statusOf(key)]).toEqual([key, 200]);
    for (const key of [
      'token',
      '5',
      '1.5',
      '?1',
      ':aGVsbG8=:',
      '"a", "b"',
      '("a")',
      '"a',
      '"a"b',
      '"a\\b"',
      '"a";',
      '"a";X=1',
    ])
      expect([key, await statusOf(key)]).toEqual([key, 400]);
    // The escaped and the plain form of one text are one key.
    const first = await server.post('/strict', { key: '"one\\\\"' });
    const second = await server.post('/strict', { key: '"one\\\\";later=1' });
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
  });

  it('2. bare keys are keys too, unless the endpoint is strict', async () => {
    const { server } = await bench(place, [counting('/a'), counting('/strict', { syntax: 'strict' })]);
    const quoted = await server.post('/a', { key: '"8e03978e-40d5"' });
    const bare = await server.post('/a', { key: '8e03978e-40d5' });
    expect([quoted.text, bare.text]).toEqual(['1', '1']);
    expect(bare.headers.get('idempotent-replayed')).toBe('true');
    expect((await server.post('/strict', { key: '8e03978e-40d5' })).status).toBe(400);
  });

  it('3. what is no key, is too long, or does not have the format that was asked for is 400', async () => {
    const { server } = await bench(place, [
      counting('/a'),
      counting('/uuid', { format: 'uuid' }),
      counting('/pattern', { format: /^ord-\d+$/ }),
    ]);
    for (const key of [
      '',
      '""',
      '"  "',
      'a,b',
      'a b',
      '"\t"',
      'caf\u00e9',
      '"caf\u00e9"',
      'a"b',
      `"${'x'.repeat(256)}"`,
      'x'.repeat(256),
      'x'.repeat(8_000),
    ])
      expect([key, (await server.post('/a', { key })).status]).toEqual([key, 400]);
    expect((await server.post('/a', { key: `"${'x'.repeat(255)}"` })).status).toBe(200);
    expect((await server.post('/a', { key: `"${'\\\\'.repeat(255)}"` })).status).toBe(200);
    const twice = [
      ['Idempotency-Key', 'a'],
      ['Idempotency-Key', 'b'],
    ] as const;
    expect((await sendRaw(`${server.app.url}/a`, [...twice, ['content-length', '0']])).status).toBe(400);
    expect((await server.post('/uuid', { key: '"not-a-uuid"' })).status).toBe(400);
    expect((await server.post('/uuid', { key: '"8e03978e-40d5-43dd-bc93-6894a57f9324"' })).status).toBe(200);
    expect((await server.post('/pattern', { key: '"ord-1x"' })).status).toBe(400);
    expect((await server.post('/pattern', { key: '"ord-12"' })).status).toBe(200);
  });

  it('4. a key is checked before anything is looked up, and is never more than data', async () => {
    const { test, server } = await bench(place, [counting('/a', { format: /^[\x21-\x7e]+$/ })]);
    const counter = countingDatabase(test.database);
    const counted = await bench(
      { ...place, open: async () => ({ ...test, database: counter, dispose: async () => {} }) },
      [counting('/a')],
    );
    const sql = `"'); drop table runs; -- $1 \\\\x00"`;
    const before = counter.count('flush') + counter.count('runs_find');
    expect((await counted.server.post('/a', { key: 'a,b' })).status).toBe(400);
    expect(counter.count('flush') + counter.count('runs_find')).toBe(before);
    expect((await counted.server.post('/a', { key: sql })).text).toBe('1');
    expect((await counted.server.post('/a', { key: sql })).text).toBe('1');
    expect(counter.count('flush')).toBeGreaterThan(before);
    expect(
      JSON.stringify(
        counter.sent.map(({ values }) => values),
        (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
      ),
    ).not.toContain('drop table');
    expect((await server.post('/a', { key: '"spaces are not allowed"' })).status).toBe(400);
  });

  it("5. the header's name has no case, and may be another one", async () => {
    const { server } = await bench(place, [counting('/a'), counting('/b', { key: 'X-Request-Key' })]);
    const names = ['Idempotency-Key', 'idempotency-key', 'IDEMPOTENCY-KEY'];
    const answers = [];
    for (const name of names) answers.push((await server.post('/a', { key: null, headers: { [name]: '"k"' } })).text);
    expect(answers).toEqual(['1', '1', '1']);
    const other = () => server.post('/b', { key: null, headers: { 'x-request-key': '"k"' } });
    expect([(await other()).text, (await other()).text]).toEqual(['1', '1']);
    expect((await server.post('/b', { key: '"k"' })).status).toBe(400);
  });

  it('6. keys are for POST and PATCH; other methods pass untouched, unless they are listed', async () => {
    const { server } = await bench(place, [counting('/a'), counting('/put', { methods: ['PUT'] })]);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const [first, second] = [
        await server.post('/a', { method, key: '"k"' }),
        await server.post('/a', { method, key: '"k"' }),
      ];
      expect(second.text).not.toBe(first.text);
      expect(second.headers.has('idempotent-replayed')).toBe(false);
    }
    for (const [path, method] of [
      ['/a', 'POST'],
      ['/a', 'PATCH'],
      ['/put', 'PUT'],
    ] as const) {
      const [first, second] = [
        await server.post(path, { method, key: '"k"' }),
        await server.post(path, { method, key: '"k"' }),
      ];
      expect(second.text).toBe(first.text);
    }
    expect((await server.post('/a', { method: 'HEAD', key: null })).status).toBe(200);
    expect((await server.post('/a', { method: 'GET', key: 'a,b' })).status).toBe(200);
  });

  it('7. a missing key is 400 with a link where one is required, and nothing at all where not', async () => {
    const docsUrl = 'https://shop.example/docs/idempotency';
    const double = workflow('double', async (n: number) => n * 2);
    const routes: TestRoute[] = [
      counting('/required'),
      counting('/optional', { required: false }),
      { kind: 'durable', path: '/durable', workflow: double },
      { kind: 'durable', path: '/durable-optional', workflow: double, options: { required: false } },
    ];
    const { server } = await bench(place, routes, { app: { docsUrl } });
    for (const path of ['/required', '/durable']) {
      const missing = await server.post(path, { key: null, body: { n: 4 } });
      expect(missing.status).toBe(400);
      expect(missing.json).toMatchObject({ type: `${docsUrl}#key-missing`, status: 400, code: 'key-missing' });
      expect(missing.headers.get('link')).toBe(`<${docsUrl}>; rel="describedby"`);
    }
    const optional = [await server.post('/optional', { key: null }), await server.post('/optional', { key: null })];
    expect(optional.map(({ text }) => text)).toEqual(['1', '2']);
    expect((await server.post('/durable-optional', { key: null, body: { n: 1 }, headers: {} })).status).toBe(200);
  });

  it('16. the fingerprint is of what the payload means, not of how it is written', async () => {
    const { server } = await bench(place, [
      counting('/a'),
      counting('/exclude', { fingerprint: { exclude: ['/meta/sentAt', '/items/0/note'] } }),
      counting('/include', { fingerprint: { include: ['/order/id'] } }),
      counting('/query', { fingerprint: { query: ['dry'] } }),
      counting('/none', { fingerprint: false }),
      counting('/own', { fingerprint: () => 'always the same' }),
    ]);
    let no = 0;
    async function statusOfSecond(path: string, first: string, second: string, headers = [{}, {}]): Promise<number> {
      const key = `"k-${(no += 1)}"`;
      const [pathA = path, pathB = pathA] = path.split(' ');
      expect((await server.post(pathA, { key, body: first, headers: headers[0]! })).status).toBe(200);
      return (await server.post(pathB, { key, body: second, headers: headers[1]! })).status;
    }
    const same = async (...args: Parameters<typeof statusOfSecond>) =>
      expect(await statusOfSecond(...args), JSON.stringify(args)).toBe(200);
    const other = async (...args: Parameters<typeof statusOfSecond>) =>
      expect(await statusOfSecond(...args), JSON.stringify(args)).toBe(422);

    await same('/a', '{"a":1,"b":[1,2]}', '{ "b": [1, 2],\n "a": 1.0 }');
    await same('/a', '{"n":1e2,"s":"\\u00e9\\u20ac"}', '{"n":100,"s":"é€"}');
    await other('/a', '{"a":[1,2]}', '{"a":[2,1]}');
    await other('/a', '{"a":null}', '{}');
    await other('/a', '{"a":1}', '{"a":"1"}');
    await other('/a', '{"a":1}', '{"b":1}');
    await same('/a', '{"a":1}', '{"a":1}', [{}, { 'content-type': 'application/json; charset=utf-8' }]);
    await same('/a /a?dry=1', '{"a":1}', '{"a":1}');
    await other('/query /query?dry=1', '{"a":1}', '{"a":1}');
    await same('/query?dry=1&x=1 /query?dry=1', '{"a":1}', '{"a":1}');
    await same(
      '/exclude',
      '{"meta":{"sentAt":1,"x":1},"items":[{"note":"a"}]}',
      '{"meta":{"sentAt":2,"x":1},"items":[{}]}',
    );
    await other('/exclude', '{"meta":{"sentAt":1,"x":1}}', '{"meta":{"sentAt":1,"x":2}}');
    await same('/include', '{"order":{"id":7},"x":1}', '{"order":{"id":7},"x":2}');
    await other('/include', '{"order":{"id":7}}', '{"order":{"id":8}}');
    await same('/none', '{"a":1}', '{"a":2}');
    await same('/own', '{"a":1}', '{"a":2}');
    const large = JSON.stringify({ text: 'x'.repeat(900_000) });
    await same('/a', large, large.replace('{', '{ '));
    await other('/a', large, large.replace('xx', 'xy'));

    const text = { 'content-type': 'text/plain' };
    await same('/a', 'a  b', 'a  b', [text, text]);
    await other('/a', 'a  b', 'a b', [text, text]);
    const parts = (boundary: string, value: string) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="a"\r\n\r\n${value}\r\n--${boundary}--\r\n`;
    const multipart = (boundary: string) => ({ 'content-type': `multipart/form-data; boundary=${boundary}` });
    await same('/a', parts('x1', 'v'), parts('y22', 'v'), [multipart('x1'), multipart('y22')]);
    await other('/a', parts('x1', 'v'), parts('y22', 'w'), [multipart('x1'), multipart('y22')]);

    const [none, again] = [await server.post('/a', { key: '"empty"' }), await server.post('/a', { key: '"empty"' })];
    expect(again.text).toBe(none.text);
    expect((await server.post('/a', { key: '"empty"', body: '{"a":1}' })).status).toBe(422);
  });

  it('16b. a body that is too large is refused before anything is stored', async () => {
    const { server } = await bench(place, [counting('/a', { maxBody: 1_000 })]);
    const tooLarge = await server.post('/a', {
      key: '"k"',
      body: 'x'.repeat(10_000_000),
      headers: { 'content-type': 'text/plain' },
    });
    expect(tooLarge.status).toBe(413);
    expect((await server.post('/a', { key: '"k"', body: '{}' })).text).toBe('1');
  });

  it('20. the policy can be published', () => {
    const fragment = openApiFragment({ required: true, ttlMs: 86_400_000, mode: 'auto', format: 'uuid' });
    expect(fragment).toMatchObject({
      parameters: [
        { name: 'idempotency-key', in: 'header', required: true, schema: { format: 'uuid', maxLength: 255 } },
      ],
    });
    expect(JSON.stringify(fragment)).toContain('24 h');
    expect(Object.keys(fragment['responses'] as object)).toEqual(['202', '400', '409', '422', '503']);
  });

  it('21. problems are RFC 9457, without the key, and JSON for those who only know that', async () => {
    const { server } = await bench(place, [counting('/a')]);
    await server.post('/a', { key: '"very-secret-key"', body: { a: 1 } });
    const reused = await server.post('/a', { key: '"very-secret-key"', body: { a: 2 } });
    expect(reused.headers.get('content-type')).toBe('application/problem+json');
    expect(reused.json).toMatchObject({
      type: 'about:blank',
      title: expect.any(String),
      status: 422,
      detail: expect.any(String),
    });
    expect(reused.text).not.toContain('very-secret-key');
    const accept = async (accept: string) =>
      (await server.post('/a', { key: '"very-secret-key"', body: { a: 2 }, headers: { accept } })).headers.get(
        'content-type',
      );
    expect(await accept('application/json')).toBe('application/json; charset=utf-8');
    expect(await accept('application/json, application/problem+json')).toBe('application/problem+json');
    expect(await accept('*/*')).toBe('application/problem+json');
  });

  it('31. the headers that CORS has to let through are listed', async () => {
    expect(corsHeaders.allowed).toContain('Idempotency-Key');
    expect(corsHeaders.exposed).toEqual(expect.arrayContaining(['Idempotent-Replayed', 'Location', 'Retry-After']));
    const { server } = await bench(place, [counting('/a')]);
    const preflight = await send(`${server.app.url}/a`, { method: 'OPTIONS', key: null });
    expect(preflight.status).toBe(200);
  });
}
