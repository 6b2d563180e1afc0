import { queue } from '@perdure/core';
import { HostedHttp, type Launch } from '@perdure/http';
import { after, type NextRequest } from 'next/server.js';
import { actionRequest } from './action.js';
import { isControlFlow, landing } from './control-flow.js';
import type { NextHttp, NextOptions, RouteContext } from './next-http.js';

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
  const http = new HostedHttp<NextRequest>(
    {
      name,
      launch,
      queue: worker === 'external' ? (options.queue ?? queue('next')) : null,
      sliceMs,
      after: worker === 'serverless' ? after : null,
    },
    { ...options, onError: answerError },
  );

  async function answerError(error: unknown, request: NextRequest): Promise<Response> {
    if (onError === undefined || isControlFlow(error)) throw error;
    return await onError(error, request);
  }

  const runEndpoint = http.handler<[RouteContext]>((web) => async (request, { params }) => {
    const segments = Object.values((await params) as Record<string, unknown>).find(Array.isArray) ?? [];
    const path = new URL(request.url).pathname.split('/');
    return await web.runs(request, path.slice(0, path.length - segments.length).join('/'));
  });

  return {
    withDurable: (workflow, input, route) => http.handler((web) => web.durable(workflow, input, route)),

    withIdempotency: (handler, route) => http.handler((web) => web.idempotent(landing(handler), route)),

    withRequest: (handler) => http.handler((web) => web.bound(handler)),

    runs: { GET: runEndpoint, POST: runEndpoint },

    durableAction(workflow, { input, key } = {}) {
      return async (...args) => {
        const made = input === undefined ? (args.at(-1) as never) : await input(...args);
        const request = await actionRequest(workflow.definition.name, made);
        const route = { required: false, key: () => key?.(...args) ?? undefined };
        return await http.engaged((web) => web.start(request, workflow, made, route));
      };
    },

    cron: ({ secret }) => http.ticks(secret),

    async register() {
      if (worker === 'serverless' || process.env['NEXT_RUNTIME'] === 'edge') return;
      await http.launched();
      // Next listens too, answers the requests under way and ends the process; with this set, the application does all of that.
      if (process.env['NEXT_MANUAL_SIG_HANDLE'] !== undefined) return;
      http.engine.shutDownOnSignals(drainMs === undefined ? {} : { drainMs });
    },

    perdure: async () => await http.engaged((_, perdure) => perdure),

    shutdown: async (shutdownOptions) => await http.engine.shutdown(shutdownOptions),
  };
}
