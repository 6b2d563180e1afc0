import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { currentRun, step, workflow } from '@perdure/core';
import { currentRequest, type ExpressHttp, expressAdapter, type ExpressOptions, httpWorkflows } from '@perdure/express';
import express4 from 'express4';
import express5 from 'express5';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { gate } from '../support/gate.js';
import { type Received, type Sent, send, sendRaw } from './http-client.js';

type Express = typeof express5;

const versions = [
  { name: 'Express 4', express: express4 as unknown as Express },
  { name: 'Express 5', express: express5 },
];

const [{ open }] = databases as [(typeof databases)[number]];

describe.each(versions)('$name', ({ express }) => {
  /** An application with an engine, gone after the test. */
  async function serve(
    build: (app: express5.Express, http: ExpressHttp) => void,
    options: ExpressOptions = {},
  ): Promise<((path: string, sent?: Sent) => Promise<Received>) & { readonly url: string }> {
    const perdure = await launchEngine(await freshDatabase(open), {});
    const app = express();
    build(app, expressAdapter(perdure, options));
    const server = createServer(app);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    return Object.assign((path: string, sent?: Sent) => send(url + path, sent), { url });
  }

  it('stores what a handler sends, in whichever way it does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'perdure-express-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    writeFileSync(join(folder, 'hello.txt'), 'from a file');
    let calls = 0;
    const ways: Record<string, express5.RequestHandler> = {
      json: (_, res) => res.status(201).json({ a: 1 }),
      send: (_, res) => res.send('<p>h\u00e9llo</p>'),
      buffer: (_, res) => res.type('image/x-test').send(Buffer.from([0, 255, 1])),
      status: (_, res) => res.sendStatus(202),
      redirect: (_, res) => res.redirect(303, '/elsewhere'),
      end: (_, res) => res.end('bare', 'utf8'),
      'end only': (_, res) => res.status(204).end(() => {}),
      writeHead: (_, res) => res.writeHead(418, 'Teapot', { 'content-type': 'text/x-tea' }).end('tea'),
      'writeHead pairs': (_, res) => res.writeHead(200, ['content-type', 'text/x-pair']).end('pairs'),
      write: (_, res) => {
        res.write('61', 'hex');
        res.write(Buffer.from('b'), () => res.end('c'));
      },
      pipe: (_, res) => Readable.from(['one ', 'two ', 'three']).pipe(res),
      file: (_, res) => res.sendFile(join(folder, 'hello.txt')),
      async: async (_, res) => {
        await new Promise((resolve) => setImmediate(resolve));
        res.json('later');
      },
      'passes on': (_, __, next) => next(),
      throws: () => {
        throw Object.assign(new Error('thrown'), { status: 409 });
      },
      rejects: async () => Promise.reject(Object.assign(new Error('rejected'), { status: 410 })),
      'after the end': (_, res, next) => {
        res.status(200).send('the answer');
        res.status(500);
        next(new Error('too late'));
      },
    };
    const names = Object.keys(ways);
    const ask = await serve((app, http) => {
      names.forEach((name, at) => {
        const counted: express5.RequestHandler = (req, res, next) => {
          calls += 1;
          return ways[name]!(req, res, next);
        };
        app.post(`/${at}`, http.idempotent(counted), (_, res) => void res.send('by the next handler'));
      });
      const onError: express5.ErrorRequestHandler = (error: Error & { status: number }, _req, res, _next) => {
        res.status(error.status).json({ error: error.message });
      };
      app.use(onError);
    });
    for (const [at, name] of names.entries()) {
      const [first, again] = [await ask(`/${at}`, { key: '"k"' }), await ask(`/${at}`, { key: '"k"' })];
      expect([name, again.status, again.text]).toEqual([name, first.status, first.text]);
      for (const header of ['content-type', 'location', 'etag'])
        expect([name, again.headers.get(header)]).toEqual([name, first.headers.get(header)]);
      expect([name, first.headers.has('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
        name,
        false,
        'true',
      ]);
    }
    expect(calls).toBe(names.length);
    const texts = Object.fromEntries(
      await Promise.all(
        names.map(async (name, at) => {
          const { status, text } = await ask(`/${at}`, { key: '"k"' });
          return [name, `${status} ${text}`] as const;
        }),
      ),
    );
    expect(texts).toMatchObject({
      write: '200 abc',
      pipe: '200 one two three',
      file: '200 from a file',
      writeHead: '418 tea',
      'passes on': '200 by the next handler',
      throws: '409 {"error":"thrown"}',
      rejects: '410 {"error":"rejected"}',
      'after the end': '200 the answer',
    });
  });

  it.each(['before it begins', 'meanwhile'])(
    'stores all that a handler sends to a client that leaves %s, in whichever way it does',
    async (moment) => {
      const folder = await mkdtemp(join(tmpdir(), 'perdure-express-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      writeFileSync(join(folder, 'whole.txt'), 'one two');
      const ways: Record<string, (res: express5.Response, source: Readable) => unknown> = {
        json: (res) => res.json('one two'),
        send: async (res, source) => res.send(Buffer.concat(await source.toArray())),
        pipe: (res, source) => void source.pipe(res),
        pipeline: async (res, source) => await pipeline(source, res),
        sendFile: (res) => res.sendFile(join(folder, 'whole.txt')),
      };
      const calls: string[] = [];
      const errors: unknown[] = [];
      let hasBegun = (): void => {};
      let leaves: Promise<unknown> = Promise.resolve();
      const ask = await serve((app, http) => {
        app.use((req, _res, next) => {
          leaves = once(req.socket, 'close');
          next();
        });
        for (const [name, way] of Object.entries(ways)) {
          const handler: express5.RequestHandler = async (_, res) => {
            calls.push(name);
            const left = leaves;
            async function* source() {
              yield Buffer.from('one ');
              hasBegun();
              if (moment === 'meanwhile') await left;
              yield Buffer.from('two');
            }
            if (moment !== 'meanwhile') {
              hasBegun();
              await left;
            }
            await way(res, Readable.from(source()));
            if (name === 'json' || name === 'sendFile') hasBegun();
          };
          app.post(`/${name}`, http.idempotent(handler, { handlerTimeoutMs: 5_000 }));
        }
        const onError: express5.ErrorRequestHandler = (error, _req, res, _next) => {
          errors.push(error);
          res.sendStatus(500);
        };
        app.use(onError);
      });
      for (const name of Object.keys(ways)) {
        const begun = new Promise<void>((resolve) => (hasBegun = resolve));
        const gone = request(`${ask.url}/${name}`, { method: 'POST', headers: { 'idempotency-key': '"k"' } });
        gone.on('error', () => {}).end();
        await begun;
        gone.destroy();
        const again = await ask(`/${name}`, { key: '"k"' });
        expect([name, again.status, again.text.replaceAll('"', '')]).toEqual([name, 200, 'one two']);
        expect([name, again.headers.get('idempotent-replayed')]).toEqual([name, 'true']);
      }
      expect([calls, errors]).toEqual([Object.keys(ways), []]);
    },
  );

  it('lets what is too large or is flushed go out as it comes, and tells what it was', async () => {
    const chunk = Buffer.alloc(6_000, 'x');
    const ask = await serve((app, http) => {
      const options = { maxStoredBody: 10_000 };
      app.post(
        '/large',
        http.idempotent((_, res) => void Readable.from([chunk, chunk, chunk]).pipe(res), options),
      );
      app.post(
        '/flushed',
        http.idempotent((_, res) => {
          res.flushHeaders();
          res.end('flushed');
        }),
      );
    });
    const first = await ask('/large', { key: '"k"' });
    expect([first.text.length, first.headers.get('idempotency-status')]).toEqual([18_000, 'bypassed']);
    const sha256 = createHash('sha256').update(first.text).digest('hex');
    const again = await ask('/large', { key: '"k"' });
    expect([again.status, again.json]).toMatchObject([409, { original: { status: 200, bytes: 18_000, sha256 } }]);
    expect((await ask('/flushed', { key: '"k"' })).text).toBe('flushed');
    expect((await ask('/flushed', { key: '"k"' })).status).toBe(409);
  });

  it('reads a body that nobody has read yet, and leaves it to the handler as it was', async () => {
    const bodies: unknown[] = [];
    const ask = await serve((app, http) => {
      app.post(
        '/raw',
        http.idempotent(async (req, res) => {
          const chunks: Buffer[] = [];
          for await (const chunk of req) chunks.push(chunk as Buffer);
          bodies.push(Buffer.concat(chunks).toString());
          res.json(bodies.length);
        }),
      );
      const late = express.json();
      app.post(
        '/parsed-later',
        http.idempotent((req, res, next) => {
          late(req, res, (error?: unknown) => {
            bodies.push(req.body);
            if (error === undefined) res.json(bodies.length);
            else next(error);
          });
        }),
      );
    });
    const large = 'z'.repeat(300_000);
    expect((await ask('/raw', { key: '"a"', body: large, headers: { 'content-type': 'text/plain' } })).text).toBe('1');
    expect((await ask('/raw', { key: '"a"', body: large, headers: { 'content-type': 'text/plain' } })).text).toBe('1');
    expect(
      (await ask('/raw', { key: '"a"', body: `${large}!`, headers: { 'content-type': 'text/plain' } })).status,
    ).toBe(422);
    expect((await ask('/parsed-later', { key: '"a"', body: { n: 1, m: 2 } })).text).toBe('2');
    expect((await ask('/parsed-later', { key: '"a"', body: '{"m":2,"n":1}' })).text).toBe('2');
    expect((await ask('/raw', { key: '"empty"' })).text).toBe('3');
    const endless = await fetch(`${ask.url}/raw`, {
      method: 'POST',
      headers: { 'idempotency-key': '"endless"', 'content-type': 'text/plain' },
      body: new Blob(['z'.repeat(2_000_000)]).stream(),
      duplex: 'half',
    });
    expect(endless.status).toBe(413);
    expect(bodies).toEqual([large, { n: 1, m: 2 }, '']);
  });

  it('keeps the context of a request where a middleware loses it', async () => {
    const outside = AsyncResource.bind((fn: () => void) => fn());
    const charge = workflow(`context-${express === express5 ? 5 : 4}`, async (n: number) => ({
      n,
      run: currentRun()?.workflowId,
    }));
    const seen: unknown[] = [];
    const loses: express5.RequestHandler = (_req, _res, next) => outside(next);
    const note = () => seen.push(currentRequest()?.['user']);
    const ask = await serve(
      (app, http) => {
        app.use(http.bind(), loses);
        app.post('/lost', async (_, res) => {
          note();
          res.json(await charge(1));
        });
        app.post('/rebound', http.rebind(), async (_, res) => {
          note();
          res.json(await charge(1));
        });
        app.post(
          '/idempotent',
          http.idempotent(async (_, res) => {
            note();
            res.json(await charge(1));
          }),
        );
      },
      { context: (req) => ({ user: req.get('x-user') }) },
    );
    const idOf = async (path: string) => ((await ask(path, { key: '"k"', user: 'alice' })).json as { run: string }).run;
    expect(await idOf('/lost')).not.toBe(await idOf('/lost'));
    expect(await idOf('/rebound')).toBe(await idOf('/rebound'));
    expect(await idOf('/idempotent')).toBe(await idOf('/idempotent'));
    expect(seen).toEqual([undefined, undefined, 'alice', 'alice', 'alice']);
  });

  it("shows the request's context in workflows and steps, and runs handlers in the context of their request", async () => {
    const own = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const look = workflow(`look-${express === express5 ? 5 : 4}`, async () => {
      seen.push(currentRequest()?.requestId);
      await step.run('look', () => void seen.push(currentRequest()?.['user']));
    });
    const ask = await serve(
      (app, http) => {
        app.use((_req, _res, next) => own.run('mine', next), http.bind());
        app.post(
          '/look',
          http.durable(look, () => undefined as never),
        );
        app.post(
          '/handler',
          http.idempotent(async (_, res) => {
            seen.push(own.getStore(), currentRun());
            res.end();
          }),
        );
      },
      { context: (req) => ({ user: req.get('x-user') }) },
    );
    await ask('/look', { user: 'alice', headers: { 'x-request-id': 'req-1' } });
    await ask('/handler', { user: 'alice' });
    expect(seen).toEqual(['req-1', 'alice', 'mine', undefined]);
  });

  it('binds workflows that a plain handler starts to the key, each by its name and its turn', async () => {
    let calls = 0;
    const suffix = express === express5 ? '5' : '4';
    const a = workflow(`a-${suffix}`, async (n: number) => step.run('count', () => [n, (calls += 1)]));
    const b = workflow(`b-${suffix}`, async (n: number) => step.run('count', () => [n, (calls += 1)]));
    const ask = await serve((app, http) => {
      app.use(express.json(), http.bind());
      const both = async (n: number) => {
        const explicit = await a.with({ workflowId: `explicit-${n}` })(n);
        return [await Promise.all([a(n), b(n), a(n)]), explicit];
      };
      app.post('/both', (req, res, next) => {
        both((req.body as { n: number }).n).then((answer) => res.json(answer), next);
      });
      app.use(http.problems());
    });
    const first = await ask('/both', { key: '"k"', body: { n: 1 } });
    expect((await ask('/both', { key: '"k"', body: { n: 1 } })).text).toBe(first.text);
    expect(calls).toBe(4);
    expect((await ask('/both', { key: '"k"', body: { n: 2 } })).status).toBe(422);
    expect((await ask('/both', { key: '"other"', body: { n: 1 } })).text).not.toBe(first.text);
    expect((await ask('/both', { key: null, body: { n: 1 } })).status).toBe(200);
    expect((await ask('/both', { key: 'not,one', body: { n: 1 } })).status).toBe(400);
  });

  it('mounts anywhere, also in a router, and tells endpoints apart by their whole path', async () => {
    let calls = 0;
    const ask = await serve((app, http) => {
      for (const mount of ['/eu', '/us']) {
        const router = express.Router();
        router.post(
          '/orders/:id',
          http.idempotent((req, res) => void res.json([req.params['id'], (calls += 1)])),
        );
        app.use(mount, router);
      }
    });
    const texts: string[] = [];
    for (const path of ['/eu/orders/1', '/eu/orders/1', '/us/orders/1', '/eu/orders/2'])
      texts.push((await ask(path, { key: '"k"' })).text);
    expect(texts).toEqual(['["1",1]', '["1",1]', '["1",2]', '["2",3]']);
  });

  it('takes a path as the client wrote it, as its router does', async () => {
    const ask = await serve((app, http) => {
      app.post(
        '/orders/:id',
        http.idempotent((req, res) => void res.json(req.params['id'])),
      );
      app.post(
        '/',
        http.idempotent((_, res) => void res.json('root')),
      );
    });
    const at = async (path: string) => (await sendRaw(ask.url, [['idempotency-key', '"k"']], { path })).text;
    expect([await at('/'), await at('/orders/%2e%2e'), await at('/?a=/orders')]).toEqual(['"root"', '".."', '"root"']);
  });

  it('sets the headers of other middleware on replays, and none of a response that was given up', async () => {
    const ask = await serve((app, http) => {
      app.use((_req, res, next) => {
        res.set('access-control-allow-origin', 'https://a.example');
        next();
      });
      app.post(
        '/a',
        http.idempotent((_, res) => void res.json(1)),
      );
      app.post(
        '/hangs',
        http.idempotent((_, res) => void res.set('x-half', 'made'), { handlerTimeoutMs: 20 }),
      );
    });
    await ask('/a', { key: '"k"' });
    expect((await ask('/a', { key: '"k"' })).headers.get('access-control-allow-origin')).toBe('https://a.example');
    for (const replayed of [null, null]) {
      const late = await ask('/hangs', { key: '"k"' });
      expect([late.status, late.json]).toMatchObject([504, { code: 'handler-timeout' }]);
      expect(late.headers.get('idempotent-replayed')).toBe(replayed);
      expect(late.headers.has('x-half')).toBe(false);
      expect(late.headers.get('access-control-allow-origin')).toBe('https://a.example');
    }
  });

  it('drops what a handler sends after its request was answered, and disturbs no other one on its connection', async () => {
    const late = gate();
    const errors: unknown[] = [];
    let tried: unknown = 'not yet';
    const ask = await serve((app, http) => {
      const handler: express5.RequestHandler = async (_, res) => {
        await late.opened;
        try {
          res.json('late');
        } catch (error) {
          tried = error;
          throw error;
        }
      };
      app.post('/slow', http.idempotent(handler, { handlerTimeoutMs: 20 }));
      app.post('/next', async (_, res) => {
        late.open();
        await expect.poll(() => tried).not.toBe('not yet');
        await new Promise((resolve) => setImmediate(resolve));
        res.send('undisturbed');
      });
      const onError: express5.ErrorRequestHandler = (error, _req, _res, next) => {
        errors.push(error);
        next(error);
      };
      app.use(onError);
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const over = async (path: string): Promise<[number | undefined, string]> => {
      const asked = request(ask.url + path, { method: 'POST', agent, headers: { 'idempotency-key': '"k"' } }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return [answer.statusCode, (await answer.setEncoding('utf8').toArray()).join('')];
    };
    expect((await over('/slow'))[0]).toBe(504);
    expect(await over('/next')).toEqual([200, 'undisturbed']);
    expect(errors).toEqual([]);
  });

  it('knows its own workflows, for an engine with a list', () => {
    expect(httpWorkflows().map(({ definition }) => definition.name)).toEqual(['perdure.http.request']);
    expect(httpWorkflows().map(({ definition }) => definition.version)).toEqual(['1']);
  });
});
