import { type Perdure, queue } from '@perdure/core';
import { createHttp, problemOf, problemResponse, toWebResponse } from '@perdure/http';
import type { WebHttp } from '@perdure/http';
import { after, type NextRequest } from 'next/server.js';
import { actionRequest, startedBy } from './action.js';
import { isControlFlow, landing } from './control-flow.js';
import { mayTick } from './cron-secret.js';
import { enqueuingEngine } from './enqueuing-engine.js';
import type { Handler, NextHttp, NextOptions, RouteContext } from './next-http.js';
import { sharedEngine } from './process-state.js';
import type { Launch } from './shared-engine.js';
import { untilIdle } from './until-idle.js';

/** How long steps under way get at the end of a slice. */
const sliceDrainMs = 3_000;
/** After which an engine that has found no work is taken to have none. */
const settleMs = 1_000;

/**
 * Routes, server actions and the engine of a Next application. Nothing happens until it is needed: `next build` evaluates
 * the module, too.
 *
 * @param launch is called once in a process, whatever Next loads twice or loads again
 *
 * @example
 * export const { register, withDurable, runs } = nextAdapter(
 *   () => Perdure.launch({ databaseUrl: process.env.DATABASE_URL }),
 *   { principal: async (request) => (await sessionOf(request))?.userId },
 * );
 */
export function nextAdapter(launch: Launch, options: NextOptions = {}): NextHttp {
  const { worker = 'embedded', sliceMs = 10_000, name = 'default', drainMs, onError } = options;
  const engine = sharedEngine(name);
  const adapters = new WeakMap<Perdure, WebHttp<NextRequest>>();

  function httpOf(perdure: Perdure): WebHttp<NextRequest> {
    const known = adapters.get(perdure);
    if (known !== undefined) return known;
    const starting = worker === 'external' ? enqueuingEngine(perdure, options.queue ?? queue('next')) : perdure;
    const http = createHttp<NextRequest>(starting, { ...options, onError: answerError });
    adapters.set(perdure, http);
    return http;
  }

  async function answerError(error: unknown, request: NextRequest): Promise<Response> {
    if (onError === undefined || isControlFlow(error)) throw error;
    return await onError(error, request);
  }

  /** Works with the engine; where none may stay, with one that goes when the response is out and nothing is left to do. */
  async function engaged<T>(work: (perdure: Perdure) => Promise<T>): Promise<T> {
    if (worker !== 'serverless') return await work(await engine.get(launch));
    let slice: Promise<Perdure> | null = null; // null = not begun
    // First, because it throws where there is no request, and nobody would end the slice.
    after(async () => {
      const perdure = await slice?.catch(() => null);
      if (perdure == null) return;
      await untilIdle(perdure, 0, sliceMs);
      await engine.endSlice(sliceDrainMs);
    });
    slice = engine.beginSlice(launch);
    return await work(await slice);
  }

  /** A handler that is made for each engine, when there is one. */
  function handling<Rest extends unknown[]>(make: (http: WebHttp<NextRequest>) => Handler<Rest>) {
    const made = new WeakMap<Perdure, Handler<Rest>>();
    const handler: Handler<Rest> = async (request, ...rest) => {
      const accept = request.headers.get('accept');
      try {
        return await engaged(async (perdure) => {
          const own = made.get(perdure) ?? make(httpOf(perdure));
          made.set(perdure, own);
          return await own(request, ...rest);
        });
      } catch (error) {
        const problem = isControlFlow(error) ? null : problemOf(error);
        if (problem === null) throw error;
        const instance = new URL(request.url).pathname;
        return toWebResponse(problemResponse(problem, { accept, docsUrl: options.docsUrl ?? null, instance }));
      }
    };
    return handler;
  }

  const runEndpoint = handling<[RouteContext]>((http) => async (request, { params }) => {
    const segments = Object.values((await params) as Record<string, unknown>).find(Array.isArray) ?? [];
    const path = new URL(request.url).pathname.split('/');
    return await http.runs(request, path.slice(0, path.length - segments.length).join('/'));
  });

  return {
    withDurable: (workflow, input, routeOptions) => handling((http) => http.durable(workflow, input, routeOptions)),

    withIdempotency: (handler, routeOptions) => handling((http) => http.idempotent(landing(handler), routeOptions)),

    withRequest: (handler) => handling((http) => http.bound(handler)),

    runs: { GET: runEndpoint, POST: runEndpoint },

    durableAction(workflow, { input, key } = {}) {
      return async (...args) => {
        const made = input === undefined ? (args.at(-1) as never) : await input(...args);
        const request = await actionRequest(workflow.definition.name, made);
        const route = { mode: 'async', required: false, key: () => key?.(...args) ?? undefined } as const;
        return await engaged(
          async (perdure) => await startedBy(await httpOf(perdure).durable(workflow, () => made, route)(request)),
        );
      };
    },

    cron: ({ secret }) => {
      return async (request) => {
        if (!mayTick(request.headers.get('authorization'), secret)) return new Response(null, { status: 401 });
        const runs = await engaged((perdure) => untilIdle(perdure, settleMs, sliceMs));
        return Response.json({ runs }, { headers: { 'cache-control': 'no-store' } });
      };
    },

    async register() {
      if (worker === 'serverless' || process.env['NEXT_RUNTIME'] === 'edge') return;
      await engine.get(launch);
      engine.shutDownOnSignals(drainMs === undefined ? {} : { drainMs });
    },

    perdure: async () => await engaged((perdure) => Promise.resolve(perdure)),

    shutdown: async (options) => await engine.shutdown(options),
  };
}
