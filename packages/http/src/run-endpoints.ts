import type { Perdure, RunInfo } from '@perdure/core';
import { type HttpResponse, json, toWebResponse } from './http-response.js';
import type { HttpOptions, RunAction, RunEvents } from './options.js';
import type { Outcomes } from './outcomes.js';
import { parsePrefer } from './preferences.js';
import { HttpProblem, notFound, problemOf, problemResponse, unavailable } from './problem.js';
import { publishedEvents } from './published-events.js';
import { principalOf } from './principal.js';
import { isOwnedBy } from './run-id.js';
import { eventHeaders, eventStream } from './server-sent-events.js';
import { statusEvents } from './status-events.js';
import { isInterrupted, responseOfResult } from './stored-response.js';

const waitMsMax = 25_000;

interface Asked<Req> {
  readonly request: Request;
  readonly url: URL;
  /** The path that the endpoints are mounted at, without a slash at its end. */
  readonly basePath: string;
  readonly subject: Req;
  readonly runId: string;
}

/**
 * What can be asked of runs over HTTP:
 * `GET /:id` status, or 303 to the result; `GET /:id/result?wait=10` the response itself; `GET /:id/events`;
 * `POST /:id/cancel`. Nobody may, unless `authorize` says so.
 */
export class RunEndpoints<Req> {
  readonly #perdure: Perdure;
  readonly #options: HttpOptions<Req>;
  readonly #outcomes: Outcomes;
  readonly #publish: RunEvents;

  constructor(perdure: Perdure, options: HttpOptions<Req>, outcomes: Outcomes) {
    this.#perdure = perdure;
    this.#options = options;
    this.#outcomes = outcomes;
    const { events } = options;
    if (typeof events === 'function') this.#publish = events;
    else this.#publish = events === undefined ? statusEvents(perdure) : publishedEvents(perdure, events);
  }

  /** @param mount its `subject` is the framework's own request, which `authorize` and `principal` are called with */
  async handle(request: Request, mount: { readonly basePath: string; readonly subject: Req }): Promise<Response> {
    try {
      return await this.#route(request, mount);
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      return toWebResponse(this.#show(problem, request));
    }
  }

  async #route(request: Request, mount: { readonly basePath: string; readonly subject: Req }): Promise<Response> {
    const url = new URL(request.url);
    const basePath = mount.basePath.replace(/(?<!\/)\/+$/, '');
    const [segment = '', action = 'status', ...rest] = url.pathname.slice(basePath.length + 1).split('/');
    if (!url.pathname.startsWith(`${basePath}/`) || rest.length > 0 || !isAction(action)) throw notFound();
    const asked: Asked<Req> = { ...mount, request, url, basePath, runId: decodeId(segment) };
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const allowed = action === 'cancel' ? 'POST' : 'GET';
    if (method !== allowed) throw methodNotAllowed(allowed);
    await this.#authorize(asked, action);
    switch (action) {
      case 'status':
        return toWebResponse(await this.#status(asked));
      case 'result':
        return toWebResponse(await this.#result(asked));
      case 'cancel':
        return toWebResponse(await this.#cancel(asked));
      case 'events':
        return await this.#events(asked);
    }
  }

  /** What may not be seen looks like what does not exist. */
  async #authorize({ request, subject, runId }: Asked<Req>, action: RunAction): Promise<void> {
    const { authorize, namespace } = this.#options;
    if (authorize === undefined) throw closed();
    // A browser says so when another site sent it here with this user's cookies.
    if (action === 'cancel' && request.headers.get('sec-fetch-site') === 'cross-site') throw crossSite();
    const who = await principalOf(this.#options, subject);
    const isOwner = who !== null && isOwnedBy(runId, namespace ?? '', who);
    const mayAsk = authorize === 'owner' ? isOwner : await authorize(subject, { action, runId, isOwner });
    if (!mayAsk) throw notFound();
  }

  async #status({ runId, basePath }: Asked<Req>): Promise<HttpResponse> {
    const info = await this.#perdure.run(runId).status();
    if (info.finishedAt !== null) return seeOther(`${basePath}/${encodeURIComponent(runId)}/result`);
    return this.#pending(200, info, basePath);
  }

  async #result({ runId, basePath, request, url }: Asked<Req>): Promise<HttpResponse> {
    const info = await this.#perdure.run(runId).status();
    const waitMs = info.finishedAt === null ? waitOf(request, url) : waitMsMax;
    const settled = waitMs === 0 ? null : await this.#outcomes.wait(runId, waitMs, request.signal);
    if (settled === null) return this.#pending(202, info, basePath);
    if (settled.kind === 'unavailable') throw unavailable(settled.error);
    if (settled.kind === 'failed') throw problemOf(settled.error) ?? runFailed(settled.error);
    if (isInterrupted(settled.value)) throw interrupted();
    const response = responseOfResult(settled.value);
    return { ...response, headers: { ...noStore, ...response.headers } };
  }

  async #cancel({ runId, basePath }: Asked<Req>): Promise<HttpResponse> {
    const run = this.#perdure.run(runId);
    await run.cancel();
    return this.#pending(202, await run.status(), basePath);
  }

  async #events({ runId, request }: Asked<Req>): Promise<Response> {
    // A function may know of runs that there are not yet.
    if (typeof this.#options.events !== 'function') await this.#perdure.run(runId).status();
    // Nobody reads what a HEAD would open, and some hosts don't say so either.
    if (request.method === 'HEAD') return new Response(null, { headers: eventHeaders });
    return eventStream((signal) => this.#publish(runId, { after: lastEventId(request), signal }), request.signal);
  }

  #pending(status: number, info: RunInfo, basePath: string): HttpResponse {
    const self = `${basePath}/${encodeURIComponent(info.workflowId)}`;
    const body = {
      id: info.workflowId,
      status: info.status,
      workflow: info.name,
      createdAt: new Date(info.createdAt).toISOString(),
      cancelRequested: info.cancelRequested,
      links: { self, result: `${self}/result`, cancel: `${self}/cancel`, events: `${self}/events` },
    };
    return json(status, body, { ...noStore, 'retry-after': '1' });
  }

  #show(problem: HttpProblem, request: Request): HttpResponse {
    return problemResponse(problem, {
      accept: request.headers.get('accept'),
      docsUrl: this.#options.docsUrl ?? null,
      instance: new URL(request.url).pathname,
    });
  }
}

const noStore = { 'cache-control': 'no-store' };

const isAction = (text: string): text is RunAction => ['status', 'result', 'cancel', 'events'].includes(text);

function decodeId(segment: string): string {
  let id: string;
  try {
    id = decodeURIComponent(segment);
  } catch (cause) {
    throw new HttpProblem(400, 'invalid-id', 'Invalid id', 'The id in the path is not encoded as a URL.', { cause });
  }
  if (id.trim() === '' || Buffer.byteLength(id) > 255 || /\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}/u.test(id)) throw notFound();
  return id;
}

function waitOf(request: Request, url: URL): number {
  const text = url.searchParams.get('wait') ?? '';
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : (parsePrefer(request.headers.get('prefer')).waitSeconds ?? 0);
  return Math.min(seconds * 1_000, waitMsMax);
}

function lastEventId(request: Request): string | null {
  const id = request.headers.get('last-event-id');
  return id !== null && /^[\x21-\x7e]{1,255}$/.test(id) ? id : null;
}

const seeOther = (location: string): HttpResponse => ({ status: 303, headers: { ...noStore, location }, body: null });

/** The application's own error: its status counts, and its message where it was meant to be seen. */
function runFailed(error: unknown): HttpProblem {
  const { status, statusCode, message } = (error ?? {}) as Record<string, unknown>;
  const given = [status, statusCode].find((value) => Number.isInteger(value)) as number | undefined;
  const isError = given !== undefined && given >= 400 && given <= 599;
  const shown = isError && given < 500 && typeof message === 'string' ? message : 'The run failed.';
  return new HttpProblem(isError ? given : 500, 'run-failed', 'The run failed', shown);
}

const closed = (): HttpProblem =>
  new HttpProblem(
    403,
    'forbidden',
    'Forbidden',
    'The run endpoints let nobody in until the option `authorize` is given.',
  );

const crossSite = (): HttpProblem =>
  new HttpProblem(403, 'cross-site', 'Forbidden', 'Runs cannot be cancelled from another site.');

const methodNotAllowed = (allow: string): HttpProblem =>
  new HttpProblem(405, 'method-not-allowed', 'Method not allowed', `Use ${allow}.`, { headers: { allow } });

const interrupted = (): HttpProblem =>
  new HttpProblem(409, 'interrupted', 'Interrupted', 'The server died over this request. Send the request again.');
