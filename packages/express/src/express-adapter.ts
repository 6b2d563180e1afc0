import type { Server } from 'node:http';
import type { Perdure, Workflow } from '@perdure/core';
import {
  type Answer,
  type HttpExchange,
  type HttpOptions,
  Idempotency,
  type RouteOptions,
  problemOf,
  responseOfAnswer,
} from '@perdure/http';
import {
  captureResponse,
  closeGracefully,
  type CloseOptions,
  nodeExchange,
  pipeResponse,
  type ResponseCapture,
  sendResponse,
  toWebRequest,
} from '@perdure/http/node';
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';

export type ExpressOptions = HttpOptions<Request>;
export type ExpressRouteOptions = RouteOptions<Request>;

/** What Express's own types say of what they do not know. */
type AnyBody = Request['body'];
type AnyLocals = Response['locals'];

/** Durable and idempotent routes for Express 4 and 5. */
export interface ExpressHttp {
  /**
   * Middleware that makes workflows which handlers start idempotent: their ids come from the request's key, its endpoint
   * and its principal. It refuses no request.
   */
  bind(): RequestHandler;
  /** Middleware to mount after one that loses the AsyncLocalStorage, as parsers of bodies may. */
  rebind(): RequestHandler;
  /** A route that runs a workflow and answers with its result; `input` makes the workflow's input, `req.body` by default. */
  durable<
    Input,
    Result,
    P = Request['params'],
    ResBody = AnyBody,
    ReqBody = AnyBody,
    ReqQuery = Request['query'],
    Locals extends AnyLocals = AnyLocals,
  >(
    workflow: Workflow<[Input], Result>,
    input?: (req: Request<P, ResBody, ReqBody, ReqQuery, Locals>) => Input | Promise<Input>,
    options?: ExpressRouteOptions,
  ): RequestHandler<P, ResBody, ReqBody, ReqQuery, Locals>;
  /** The same handler, which runs once for each key. What it sends, however it does so, is stored before it goes out. */
  idempotent<
    P = Request['params'],
    ResBody = AnyBody,
    ReqBody = AnyBody,
    ReqQuery = Request['query'],
    Locals extends AnyLocals = AnyLocals,
  >(
    handler: (
      req: Request<P, ResBody, ReqBody, ReqQuery, Locals>,
      res: Response<ResBody, Locals>,
      next: NextFunction,
    ) => unknown,
    options?: ExpressRouteOptions,
  ): RequestHandler<P, ResBody, ReqBody, ReqQuery, Locals>;
  /** The run endpoints: status, result, events, cancel. Mount it with `app.use` at the option `runsPath` (`/runs`). */
  runs(): RequestHandler;
  /** Error middleware that sends what Perdure's errors mean over HTTP as problems, and passes all other errors on. */
  problems(): ErrorRequestHandler;
  /** Closes the server, then the engine; every client gets an answer. */
  close(server: Server, options?: CloseOptions): Promise<void>;
}

/**
 * @example
 * const http = expressAdapter(perdure, { principal: (req) => req.user?.id });
 * app.use(express.json(), http.bind());
 * app.post('/orders', http.durable(checkout));
 * app.use('/runs', http.runs());
 * app.use(http.problems());
 */
export function expressAdapter(perdure: Perdure, options: ExpressOptions = {}): ExpressHttp {
  const idempotency = new Idempotency<Request>(perdure, options);

  /** Sends an answer, or hands its error to Express, once. */
  function send(answer: Answer, exchange: HttpExchange<Request>, res: Response, next: NextFunction): void {
    if (answer.kind === 'error') {
      for (const [name, value] of Object.entries(answer.headers)) if (!res.headersSent) res.setHeader(name, value);
      next(answer.error);
      return;
    }
    const response = responseOfAnswer(answer, (problem) => idempotency.show(problem, exchange));
    if (response !== null) sendResponse(res, response);
  }

  return {
    bind: () => (req, res, next) => idempotency.bind(exchangeOf(req, res), next),

    rebind: () => (req, _res, next) => idempotency.rebind(req, next),

    durable(workflow, input, routeOptions) {
      const route = idempotency.route(routeOptions);
      return (request, response, next) => {
        const [req, res] = plain(request, response);
        const inputOf = (): never => (input === undefined ? req.body : input(request)) as never;
        const exchange = exchangeOf(req, res);
        void settle(idempotency.workflow(exchange, route, workflow, inputOf), next, (answer) =>
          send(answer, exchange, res, next),
        );
      };
    },

    idempotent(handler, routeOptions) {
      const route = idempotency.route(routeOptions);
      return (request, response, next) => {
        const [req, res] = plain(request, response);
        const exchange = exchangeOf(req, res);
        let capture: ResponseCapture | undefined;
        const perform = (exchangeId: string) => {
          capture = captureResponse(res, {
            exchangeId,
            headers: route.replayHeaders,
            bytesMax: route.storedBytesMax,
          });
          const { ended } = capture;
          // What comes after the end of a response, or instead of it, is too late to be part of it.
          const onward: NextFunction = (error?: unknown) => {
            if (capture?.isOver !== true) next(error);
          };
          void call(handler, request, response, onward);
          return ended;
        };
        void settle(idempotency.handler(exchange, route, perform), next, (answer) => {
          if (answer.kind === 'pass') void idempotency.bind(exchange, () => call(handler, request, response, next));
          else if (answer.kind === 'own') capture?.send();
          else {
            capture?.discard();
            send(answer, exchange, res, next);
          }
        });
      };
    },

    runs: () => (req, res, next) => {
      const { signal } = exchangeOf(req, res);
      const handled = idempotency.runs.handle(toWebRequest(req, signal), { basePath: req.baseUrl, subject: req });
      void settle(handled, next, (response) => pipeResponse(res, response));
    },

    problems: () => (error: unknown, req, res, next) => {
      const problem = problemOf(error);
      if (problem === null || res.headersSent) next(error);
      else sendResponse(res, idempotency.show(problem, exchangeOf(req, res)));
    },

    close: async (server, closeOptions) => await closeGracefully(server, perdure, closeOptions),
  };
}

const exchangeOf = (req: Request, res: Response): HttpExchange<Request> => nodeExchange(() => req, res, req);

/** The application's functions are called with what they were typed for; this package asks only for what all requests have. */
function plain(req: unknown, res: unknown): [Request, Response] {
  return [req as Request, res as Response];
}

/** A rejection is an error of the request, in Express 4 too, which does not look at promises. */
async function call<Req, Res>(
  handler: (req: Req, res: Res, next: NextFunction) => unknown,
  req: Req,
  res: Res,
  next: NextFunction,
): Promise<void> {
  try {
    await handler(req, res, next);
  } catch (error) {
    next(error);
  }
}

async function settle<T>(work: Promise<T>, next: NextFunction, use: (value: T) => unknown): Promise<void> {
  try {
    await use(await work);
  } catch (error) {
    next(error);
  }
}
