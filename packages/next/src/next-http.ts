import type { Perdure, Workflow } from '@perdure/core';
import type { HttpOptions, RouteOptions } from '@perdure/http';
import type { NextRequest } from 'next/server.js';

/**
 * Where runs are executed. `embedded` (default): in the Next process. `external`: in other processes, which serve the queue that
 * this one fills. `serverless`: in the Next process, for a while after each request and at each tick of {@link NextHttp.cron}.
 */
export type WorkerMode = 'embedded' | 'external' | 'serverless';

export interface NextOptions extends HttpOptions<NextRequest> {
  readonly worker?: WorkerMode;
  /** With `external`: the queue that runs are put into, declared with `queue()`; by default one named `next`, without limits. */
  readonly queue?: string | { readonly name: string };
  /**
   * With `serverless`: how long the engine goes on after a request or at a tick, if there is work; 10 s by default. Steps under
   * way get 3 s more, so `maxDuration` should be 5 s more, and that of a route as much more as its requests take to be answered.
   */
  readonly sliceMs?: number;
  /** How long steps under way get when the process is told to end; 10 s by default. */
  readonly drainMs?: number;
  /** Answers for errors of the application. Without it they are Next's: 500, and `onRequestError`. */
  readonly onError?: (error: unknown, request: NextRequest) => Response | Promise<Response>;
  /** Tells engines apart, where a process has several. */
  readonly name?: string;
}

/** The second argument of a route handler. */
export interface RouteContext {
  readonly params: Promise<unknown>;
}

export interface CronOptions {
  /** What the caller has to send as `Authorization: Bearer …`. Without it nobody is let in. */
  readonly secret: string | undefined;
}

export interface ActionOptions<Input, Args extends readonly unknown[]> {
  /** Makes the workflow's input of what the action is called with; the last argument by default. */
  readonly input?: (...args: Args) => Input | Promise<Input>;
  /** What makes two calls one: from a hidden field, say. Without one, each call is a run of its own. */
  readonly key?: (...args: Args) => string | null | undefined;
}

export type Handler<Rest extends unknown[]> = (request: NextRequest, ...rest: Rest) => Promise<Response>;
type PlainHandler<Rest extends unknown[]> = (request: NextRequest, ...rest: Rest) => Response | Promise<Response>;

/** Durable and idempotent route handlers and server actions for Next.js 15 and 16. None of it needs `this`. */
export interface NextHttp {
  /**
   * A handler that runs a workflow and answers with its result; `input` makes the workflow's input, by default of the JSON body,
   * where there is one.
   */
  readonly withDurable: <Input, Result, Rest extends unknown[] = []>(
    workflow: Workflow<[Input], Result>,
    input?: (request: NextRequest, ...rest: Rest) => Input | Promise<Input>,
    options?: RouteOptions<NextRequest>,
  ) => Handler<Rest>;
  /** The same handler, which runs once for each key. Its response is stored before it goes out. */
  readonly withIdempotency: <Rest extends unknown[]>(
    handler: PlainHandler<Rest>,
    options?: RouteOptions<NextRequest>,
  ) => Handler<Rest>;
  /** The same handler; workflows that it starts take their ids from the request's key, its endpoint and its principal. */
  readonly withRequest: <Rest extends unknown[]>(handler: PlainHandler<Rest>) => Handler<Rest>;
  /** The run endpoints, for `app/runs/[...path]/route.ts`; the option `runsPath` says where that is, if not at `/runs`. */
  readonly runs: {
    readonly GET: (request: NextRequest, context: RouteContext) => Promise<Response>;
    readonly POST: (request: NextRequest, context: RouteContext) => Promise<Response>;
  };
  /** A server action that starts a workflow and does not wait for it: Next sends the actions of a page one after the other. */
  readonly durableAction: <Input, Args extends readonly unknown[] = [Input]>(
    workflow: Workflow<[Input], unknown>,
    options?: ActionOptions<Input, Args>,
  ) => (...args: Args) => Promise<{ readonly workflowId: string }>;
  /** A GET handler for a scheduler: takes what waits or was left behind, and works on it for a slice. */
  readonly cron: (options: CronOptions) => (request: NextRequest) => Promise<Response>;
  /** For `instrumentation.ts`: launches the engine, unless that is done already or the worker is `serverless`. */
  readonly register: () => Promise<void>;
  /** The engine, launched if nobody has done that yet. With `serverless` it is to be used in a request only, and stays for a slice. */
  readonly perdure: () => Promise<Perdure>;
  /** Hands all runs over to other processes, and stops. */
  readonly shutdown: (options?: { readonly drainMs?: number }) => Promise<void>;
}
