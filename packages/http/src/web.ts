import type { Perdure, Workflow } from '@perdure/core';
import { type Answer, responseOfAnswer } from './answer.js';
import type { HttpExchange, Payload } from './exchange.js';
import { toWebResponse } from './http-response.js';
import { Idempotency } from './idempotency.js';
import type { HttpOptions, ResolvedRoute, RouteOptions } from './options.js';
import { bodyTooLarge } from './problem.js';
import { omittedRecord, recordOf, type ResponseRecord } from './stored-response.js';

/** Handlers of Web requests, as in Next.js, Hono, Bun, Deno and service workers. */
export interface WebHttp {
  /** A handler that starts a workflow and answers with its result. `input` makes the workflow's input, by default of the JSON body. */
  durable<Input, Result>(
    workflow: Workflow<[Input], Result>,
    input?: (request: Request) => Input | Promise<Input>,
    options?: RouteOptions<Request>,
  ): (request: Request) => Promise<Response>;
  /** The same handler, which runs once for each key. */
  idempotent<Rest extends readonly unknown[]>(
    handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
    options?: RouteOptions<Request>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
  /** Calls a handler so that the workflows that it starts are named after the request's key. */
  bind<T>(request: Request, fn: () => T): T;
  /** The run endpoints, for requests below a path; the option `runsPath` where none is given. */
  runs(request: Request, basePath?: string): Promise<Response>;
}

/**
 * The adapter for whatever speaks `Request` and `Response`.
 *
 * @example
 * const http = createHttp(perdure, { principal: (request) => userOf(request)?.id });
 * const POST = http.durable(checkout);
 */
export function createHttp(perdure: Perdure, options: HttpOptions<Request> = {}): WebHttp {
  const idempotency = new Idempotency(perdure, options);

  /** Null for an answer that is not a response. */
  function respond(answer: Answer, request: Request): Response {
    if (answer.kind === 'error') throw answer.error;
    const show = (problem: Parameters<typeof idempotency.show>[0]) =>
      idempotency.show(problem, request.headers.get('accept'));
    const response = responseOfAnswer(answer, show);
    // Nobody reads it: the client has gone.
    return response === null ? new Response(null, { status: 499 }) : toWebResponse(response);
  }

  return {
    durable(workflow, input, routeOptions) {
      const route = idempotency.route(routeOptions);
      const inputOf = input ?? (async (request) => (await request.clone().json()) as never);
      return async (request) => {
        const answer = await idempotency.workflow(webExchange(request), route, workflow, () => inputOf(request));
        return respond(answer, request);
      };
    },

    idempotent(handler, routeOptions) {
      const route = idempotency.route(routeOptions);
      return async (request, ...rest) => {
        let own: Response | undefined;
        const perform = async (exchangeId: string): Promise<ResponseRecord> => {
          const captured = await capture(await handler(request, ...rest), route, exchangeId);
          own = captured.response;
          return captured.record;
        };
        const exchange = webExchange(request);
        const answer = await idempotency.handler(exchange, route, perform);
        if (answer.kind === 'pass') return await idempotency.bind(exchange, () => handler(request, ...rest));
        return answer.kind === 'own' && own !== undefined ? own : respond(answer, request);
      };
    },

    bind: (request, fn) => idempotency.bind(webExchange(request), fn),

    runs: (request, basePath = options.runsPath ?? '/runs') =>
      idempotency.runs.handle(request, { basePath, subject: request }),
  };
}

function webExchange(request: Request): HttpExchange<Request> {
  const url = new URL(request.url);
  return {
    request,
    method: request.method,
    path: url.pathname,
    query: url.searchParams,
    header: (name) => request.headers.get(name),
    payload: async (bytesMax) => await payloadOf(request, bytesMax),
    // Hosts report it late, early or not at all, and a run goes on without its client.
    signal: request.signal,
  };
}

/** The handler gets the original request, so this reads a copy of its body. */
async function payloadOf(request: Request, bytesMax: number): Promise<Payload> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw bodyTooLarge(bytesMax);
  const { bytes, isWhole } = await readUpTo(request.clone().body, bytesMax);
  if (!isWhole) throw bodyTooLarge(bytesMax);
  return { kind: 'bytes', bytes };
}

async function readUpTo(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > bytesMax) {
      // The other copy of the body decides when the whole is let go of.
      void reader?.cancel();
      return { bytes: Buffer.concat(chunks), isWhole: false };
    }
  }
  return { bytes: Buffer.concat(chunks), isWhole: true };
}

/** Reads a response to store it. One that is too large goes on to the client as it is, and is only noted. */
async function capture(
  response: Response,
  route: ResolvedRoute<Request>,
  exchangeId: string,
): Promise<{ response: Response; record: ResponseRecord }> {
  const { status, statusText, headers } = response;
  const options = { exchangeId, headers: route.replayHeaders };
  const { bytes, isWhole } = await readUpTo(response.clone().body, route.storedBytesMax);
  if (isWhole) return { response, record: recordOf({ status, headers, body: bytes }, options) };
  const bypassed = new Headers(headers);
  bypassed.set('idempotency-status', 'bypassed');
  return {
    response: new Response(response.body, { status, statusText, headers: bypassed }),
    record: omittedRecord({ status, headers }, { bytes: null, sha256: null }, options),
  };
}
