import type { Perdure, Workflow } from '@perdure/core';
import { type Answer, responseOfAnswer } from './answer.js';
import type { HttpExchange, Payload } from './exchange.js';
import { type HttpResponse, toWebResponse } from './http-response.js';
import { Idempotency } from './idempotency.js';
import type { HttpOptions, ResolvedRoute, RouteOptions } from './options.js';
import { bodyTooLarge, HttpProblem, problemOf } from './problem.js';
import { omittedRecord, recordOf, type ResponseRecord } from './stored-response.js';

/** Handlers of Web requests, as in Next.js, Hono, Bun, Deno and service workers. */
export interface WebHttp<Req extends Request = Request> {
  /**
   * A handler that starts a workflow and answers with its result. `input` makes the workflow's input, by default of the
   * JSON body, where there is one; it gets what the handler is called with.
   */
  durable<Input, Result, Rest extends unknown[]>(
    workflow: Workflow<[Input], Result>,
    input?: (request: Req, ...rest: Rest) => Input | Promise<Input>,
    options?: RouteOptions<Req>,
  ): (request: Req, ...rest: Rest) => Promise<Response>;
  /**
   * Starts a workflow for a request and does not wait for it, where the response is somebody else's: a form's action, say.
   *
   * @throws {HttpProblem} for what keeps the run from being started
   */
  start<Input>(
    request: Req,
    workflow: Workflow<[Input], unknown>,
    input: Input,
    options?: Omit<RouteOptions<Req>, 'mode'>,
  ): Promise<{ readonly workflowId: string }>;
  /** The same handler, which runs once for each key. */
  idempotent<Rest extends unknown[]>(
    handler: (request: Req, ...rest: Rest) => Response | Promise<Response>,
    options?: RouteOptions<Req>,
  ): (request: Req, ...rest: Rest) => Promise<Response>;
  /** The same handler, and workflows that it starts are named after the request's key. */
  bound<Rest extends unknown[]>(
    handler: (request: Req, ...rest: Rest) => Response | Promise<Response>,
  ): (request: Req, ...rest: Rest) => Promise<Response>;
  /** Calls a handler so that the workflows that it starts are named after the request's key. */
  bind<T>(request: Req, fn: () => T): T;
  /** The run endpoints, for requests below a path; the option `runsPath` where none is given. */
  runs(request: Req, basePath?: string): Promise<Response>;
}

export interface WebOptions<Req extends Request = Request> extends HttpOptions<Req> {
  /** Answers for an error of the application, where the framework has no place for that. Without it, errors are thrown. */
  readonly onError?: (error: unknown, request: Req) => Response | Promise<Response>;
}

/**
 * The adapter for whatever speaks `Request` and `Response`.
 *
 * @example
 * const http = createHttp(perdure, { principal: (request) => userOf(request)?.id });
 * const POST = http.durable(checkout);
 */
export function createHttp<Req extends Request = Request>(
  perdure: Perdure,
  options: WebOptions<Req> = {},
): WebHttp<Req> {
  const idempotency = new Idempotency<Req>(perdure, options);

  async function respond(answer: Answer, request: Req): Promise<Response> {
    if (answer.kind === 'error') return withHeaders(await failed(answer.error, request), answer.headers);
    const response = responseOfAnswer(answer, (problem) => show(problem, request));
    // Nobody reads it: the client has gone.
    return response === null ? new Response(null, { status: 499 }) : toWebResponse(response);
  }

  const show = (problem: HttpProblem, request: Req): HttpResponse => idempotency.show(problem, webExchange(request));

  async function failed(error: unknown, request: Req): Promise<Response> {
    if (options.onError === undefined) throw error;
    return await options.onError(error, request);
  }

  /** Calls a handler whose answer is not stored. */
  async function plainly(request: Req, handler: () => Response | Promise<Response>): Promise<Response> {
    try {
      return await idempotency.bind(webExchange(request), handler);
    } catch (error) {
      const problem = problemOf(error);
      return problem === null ? await failed(error, request) : toWebResponse(show(problem, request));
    }
  }

  return {
    durable(workflow, input, routeOptions) {
      const route = idempotency.route(routeOptions);
      const inputOf = input ?? (async (request) => (await jsonOf(request)) as never);
      return async (request, ...rest) => {
        const made = () => inputOf(request, ...rest);
        return await respond(await idempotency.workflow(webExchange(request), route, workflow, made), request);
      };
    },

    async start(request, workflow, input, routeOptions) {
      const route = idempotency.route({ ...routeOptions, mode: 'async' });
      const answer = await idempotency.workflow(webExchange(request), route, workflow, () => input);
      if (answer.kind === 'accepted') return { workflowId: answer.runId };
      throw answer.kind === 'problem' ? answer.problem : (answer as AnswerOf<'error'>).error;
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
        const answer = await idempotency.handler(webExchange(request), route, perform);
        if (answer.kind === 'pass') return await plainly(request, () => handler(request, ...rest));
        return answer.kind === 'own' && own !== undefined ? own : await respond(answer, request);
      };
    },

    bound:
      (handler) =>
      async (request, ...rest) =>
        await plainly(request, () => handler(request, ...rest)),

    bind: (request, fn) => idempotency.bind(webExchange(request), fn),

    runs: (request, basePath = options.runsPath ?? '/runs') =>
      idempotency.runs.handle(request, { basePath, subject: request }),
  };
}

type AnswerOf<Kind extends Answer['kind']> = Extract<Answer, { readonly kind: Kind }>;

/** The headers of a response may be read-only. */
function withHeaders(response: Response, added: Readonly<Record<string, string>>): Response {
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(added)) headers.set(name, value);
  return new Response(response.body, { status, statusText, headers });
}

function webExchange<Req extends Request>(request: Req): HttpExchange<Req> {
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

/**
 * The value of a JSON body; undefined where there is none.
 *
 * @throws {HttpProblem} 400 for another body
 */
async function jsonOf(request: Request): Promise<unknown> {
  const text = await request.clone().text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HttpProblem(400, 'invalid-input', 'Invalid input', 'The body is not JSON.', { cause });
  }
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
async function capture<Req>(
  response: Response,
  route: ResolvedRoute<Req>,
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
