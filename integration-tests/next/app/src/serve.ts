import { type NextHttp, nextAdapter } from '@perdure/next';
import type { NextRequest } from 'next/server';
import type { TestRoute } from '../../../http/frameworks.js';
import { benchHeader, type NextBench, nextBenches } from './benches';

type Handler = (request: NextRequest) => Promise<Response>;

interface Served {
  readonly http: NextHttp;
  readonly handlers: ReadonlyMap<string, Handler>;
}

const served = new WeakMap<NextBench, Served>();

/** The routes of the bench that a request is for, wrapped by the adapter as Next has bundled it. */
export function servedFor(request: NextRequest): Served {
  const name = request.headers.get(benchHeader) ?? '';
  const bench = nextBenches().get(name);
  if (bench === undefined) throw new Error(`There is no bench ${name}`);
  const known = served.get(bench) ?? serve(name, bench);
  served.set(bench, known);
  return known;
}

function serve(name: string, { perdure, routes, options }: NextBench): Served {
  const http = nextAdapter(() => Promise.resolve(perdure), {
    name,
    principal: (request) => request.headers.get('x-user'),
    context: (request) => ({ user: request.headers.get('x-user') }),
    onError: (error) => {
      const { status, message } = error as { readonly status?: number; readonly message: string };
      return Response.json({ error: message }, { status: status ?? 500 });
    },
    ...(options as object),
  });
  return { http, handlers: new Map(routes.map((route) => [route.path, handlerOf(http, route)])) };
}

function handlerOf(http: NextHttp, route: TestRoute): Handler {
  if (route.kind === 'durable') {
    const { input } = route;
    const made = input && (async (request: NextRequest) => input(parsed(await request.clone().text())) as never);
    return http.withDurable(route.workflow, made, route.options);
  }
  const handler = async (request: NextRequest): Promise<Response> => {
    const body = parsed(await request.text());
    const answer = await route.handler({ body, user: request.headers.get('x-user') });
    const content = typeof answer.body === 'string' ? answer.body : answer.body && new Uint8Array(answer.body);
    return new Response(content ?? null, { status: answer.status, headers: { ...answer.headers } });
  };
  return route.kind === 'bound' ? http.withRequest(handler) : http.withIdempotency(handler, route.options);
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
