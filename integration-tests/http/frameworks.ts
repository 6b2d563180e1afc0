import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Perdure, Workflow } from '@perdure/core';
import { expressAdapter } from '@perdure/express';
import { createHttp, type HttpOptions, type RouteOptions } from '@perdure/http';
import { closeGracefully, pipeResponse } from '@perdure/http/node';
import express4 from 'express4';
import express5 from 'express5';

/** A request as a handler of these tests sees it, in whichever framework. */
export interface TestRequest {
  readonly body: unknown;
  readonly user: string | null;
}

export interface TestResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Options whose functions don't look at requests, so that they mean the same in every framework. */
export type NeutralOptions = RouteOptions<unknown>;

export type TestRoute =
  | {
      readonly kind: 'durable';
      readonly path: string;
      readonly workflow: Workflow<[never], unknown>;
      /** What the input is made of a body; the body itself by default. */
      readonly input?: (body: unknown) => unknown;
      readonly options?: NeutralOptions;
    }
  | {
      readonly kind: 'idempotent';
      readonly path: string;
      readonly handler: (request: TestRequest) => Promise<TestResponse> | TestResponse;
      readonly options?: NeutralOptions;
    }
  | {
      /** A handler that knows nothing of keys; workflows that it starts are bound to the request. */
      readonly kind: 'bound';
      readonly path: string;
      readonly handler: (request: TestRequest) => Promise<TestResponse>;
    };

export interface TestApp {
  readonly url: string;
  /** Closes the server and the engine, in that order. */
  close(options: { readonly graceMs: number; readonly drainMs: number }): Promise<void>;
  /** Lets go of everything at once. */
  abandon(): void;
}

export type AppOptions = Pick<HttpOptions<unknown>, 'authorize' | 'docsUrl' | 'events' | 'startTimeoutMs'>;

export interface Framework {
  readonly name: string;
  /** What it answers by itself to a path that does not decode; 400 where a route is asked. */
  readonly statusOfMalformedPaths?: number;
  /** Requests come as a `Request`, which has one value for each header, in however many lines it came. */
  readonly hasWebRequests?: boolean;
  /** It leaves out what a response says of the encoding of its body. */
  readonly dropsEncodings?: boolean;
  start(perdure: Perdure, routes: readonly TestRoute[], options?: AppOptions): Promise<TestApp>;
}

/** The frameworks that have to pass the conformance suite; Nest's are in `nest-framework.ts`. */
export const frameworks: readonly Framework[] = [
  { name: 'Express 4', start: (...args) => startExpress(express4 as unknown as typeof express5, ...args) },
  { name: 'Express 5', start: (...args) => startExpress(express5, ...args) },
  { name: 'Request and Response', hasWebRequests: true, start: startWeb },
];

async function startExpress(
  express: typeof express5,
  perdure: Perdure,
  routes: readonly TestRoute[],
  options: AppOptions = {},
): Promise<TestApp> {
  const http = expressAdapter(perdure, {
    principal: (req) => req.get('x-user'),
    context: (req) => ({ user: req.get('x-user') ?? null }),
    ...(options as object),
  });
  const app = express();
  app.use(express.json({ limit: '20mb' }), http.bind());
  for (const route of routes) {
    const options = route.kind === 'bound' ? {} : (route.options as object);
    if (route.kind === 'durable') {
      const input = (req: express5.Request) => (route.input ?? ((body: unknown) => body))(req.body) as never;
      app.all(route.path, http.durable(route.workflow, input, options));
      continue;
    }
    const handler = async (req: express5.Request, res: express5.Response): Promise<void> => {
      const { status, headers, body } = await route.handler({ body: req.body, user: req.get('x-user') ?? null });
      res.status(status).set(headers ?? {});
      if (body === undefined) res.end();
      else res.end(body);
    };
    if (route.kind === 'idempotent') app.all(route.path, http.idempotent(handler, options));
    else {
      const forwarding = async (req: express5.Request, res: express5.Response, next: express5.NextFunction) => {
        try {
          await handler(req, res);
        } catch (error) {
          next(error);
        }
      };
      app.all(route.path, (req, res, next) => void forwarding(req, res, next));
    }
  }
  app.use('/runs', http.runs());
  app.use(http.problems());
  app.use(((error: { status?: number; message: string }, _req, res, _next) => {
    res.status(error.status ?? 500).json({ error: error.message });
  }) as express5.ErrorRequestHandler);
  return await listen(createServer(app), perdure);
}

/** The Web adapter, behind the smallest server that turns Node's requests into Web requests. */
async function startWeb(perdure: Perdure, routes: readonly TestRoute[], options: AppOptions = {}): Promise<TestApp> {
  const http = createHttp(perdure, {
    principal: (request) => request.headers.get('x-user'),
    context: (request) => ({ user: request.headers.get('x-user') }),
    ...(options as object),
  });
  const table = new Map(routes.map((route) => [route.path, webHandler(http, route)]));

  async function respond(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/runs/')) return await http.runs(request);
    const handler = table.get(pathname);
    if (handler === undefined) return new Response(null, { status: 404 });
    try {
      return await http.bind(request, () => handler(request));
    } catch (error) {
      const { status, message } = error as { status?: number; message: string };
      return Response.json({ error: message }, { status: status ?? 500 });
    }
  }

  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const gone = new AbortController();
      res.once('close', () => gone.abort());
      const method = req.method ?? 'GET';
      const request = new Request(`http://localhost${req.url ?? '/'}`, {
        method,
        headers: Object.entries(req.headers).map(([name, value]) => [name, String(value)] as [string, string]),
        body: ['GET', 'HEAD'].includes(method) || chunks.length === 0 ? null : Buffer.concat(chunks),
        signal: gone.signal,
      });
      void respond(request).then((response) => pipeResponse(res, response));
    });
  });
  return await listen(server, perdure);
}

function webHandler(http: ReturnType<typeof createHttp>, route: TestRoute): (request: Request) => Promise<Response> {
  if (route.kind === 'durable') {
    const { input } = route;
    const made = input && (async (request: Request) => input(parsed(await request.clone().text())) as never);
    return http.durable(route.workflow, made, route.options);
  }
  const handler = async (request: Request): Promise<Response> => {
    const text = await request.text();
    const answer = await route.handler({ body: parsed(text), user: request.headers.get('x-user') });
    const content = typeof answer.body === 'string' ? answer.body : answer.body && new Uint8Array(answer.body);
    return new Response(content ?? null, { status: answer.status, headers: { ...answer.headers } });
  };
  return route.kind === 'bound' ? handler : http.idempotent(handler, route.options);
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function listen(server: Server, perdure: Perdure): Promise<TestApp> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: (options) => closeGracefully(server, perdure, options),
    abandon() {
      server.close();
      server.closeAllConnections();
    },
  };
}
