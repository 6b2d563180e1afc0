import type { Perdure, StartOptions } from '@perdure/core';
import { toWebResponse } from '../http-response.js';
import { problemOf, problemResponse } from '../problem.js';
import { createHttp, type WebHttp, type WebOptions } from '../web.js';
import { bears } from './bearer.js';
import { EnqueuingEngine } from './enqueuing-engine.js';
import type { Launch, SharedEngine } from './shared-engine.js';
import { sharedEngine } from './shared-engines.js';
import { Slice } from './slice.js';
import { untilIdle } from './until-idle.js';

/** How long steps under way get at the end of a slice. */
const sliceDrainMs = 3_000;
/** After which an engine that has found no work is taken to have none. */
const settleMs = 1_000;

/** Where an application that is hosted by its framework has its engine, and what that does there. */
export interface Hosting {
  /** Tells engines apart, where a process has several. */
  readonly name: string;
  /** Called once in a process, however often its modules are loaded, and not before the engine is needed. */
  readonly launch: Launch;
  /** Where what requests start waits for other processes; null = it is executed here. */
  readonly queue: NonNullable<StartOptions['queue']> | null;
  /** How long the engine goes on at a tick, its answer included, or after a request, if there is work, where none may stay. */
  readonly sliceMs: number;
  /** Calls something when the response is out, and throws where there is no request; null = the engine may stay. */
  readonly after: ((work: () => Promise<void>) => void) | null;
}

type Handler<Req, Rest extends unknown[]> = (request: Req, ...rest: Rest) => Promise<Response>;

/** {@link WebHttp} for an application whose modules are evaluated long before, or without, a request that needs its engine. */
export class HostedHttp<Req extends Request> {
  readonly engine: SharedEngine;
  readonly #hosting: Hosting;
  readonly #options: WebOptions<Req>;
  readonly #adapters = new WeakMap<Perdure, WebHttp<Req>>();

  constructor(hosting: Hosting, options: WebOptions<Req>) {
    this.engine = sharedEngine(hosting.name);
    this.#hosting = hosting;
    this.#options = options;
  }

  /** The engine, launched if nobody has done that yet. */
  async launched(): Promise<Perdure> {
    return await this.engine.get(this.#hosting.launch);
  }

  /** Works with the engine; where none may stay, with one that goes when the response is out and nothing is left to do. */
  async engaged<T>(work: (http: WebHttp<Req>, perdure: Perdure) => T | Promise<T>): Promise<T> {
    return await this.#engaged(new Slice(this.#hosting.sliceMs), work);
  }

  /** A handler that is made for each engine, when there is one. */
  handler<Rest extends unknown[]>(make: (http: WebHttp<Req>) => Handler<Req, Rest>): Handler<Req, Rest> {
    const made = new WeakMap<Perdure, Handler<Req, Rest>>();
    return async (request, ...rest) => {
      const accept = request.headers.get('accept');
      try {
        return await this.engaged(async (http, perdure) => {
          const own = made.get(perdure) ?? make(http);
          made.set(perdure, own);
          return await own(request, ...rest);
        });
      } catch (error) {
        const problem = problemOf(error);
        if (problem === null) throw error;
        const instance = new URL(request.url).pathname;
        return toWebResponse(problemResponse(problem, { accept, docsUrl: this.#options.docsUrl ?? null, instance }));
      }
    };
  }

  /** A handler for a scheduler that has the secret: takes what waits or was left behind, and works on it for a slice. */
  ticks(secret: string | undefined): (request: Request) => Promise<Response> {
    return async (request) => {
      if (!bears(request.headers.get('authorization'), secret)) return new Response(null, { status: 401 });
      // One for the answer and what comes after it: the host counts both.
      const slice = new Slice(this.#hosting.sliceMs);
      const runs = await this.#engaged(slice, (_, perdure) => untilIdle(perdure, settleMs, slice.leftMs()));
      return Response.json({ runs }, { headers: { 'cache-control': 'no-store' } });
    };
  }

  async #engaged<T>(slice: Slice, work: (http: WebHttp<Req>, perdure: Perdure) => T | Promise<T>): Promise<T> {
    const { after } = this.#hosting;
    const perdure = await (after === null ? this.launched() : this.#launchedFor(slice, after));
    return await work(this.#httpOf(perdure), perdure);
  }

  async #launchedFor(slice: Slice, after: NonNullable<Hosting['after']>): Promise<Perdure> {
    let launched: Promise<Perdure> | null = null; // null = not begun
    // First, because it throws where there is no request, and nobody would end the slice.
    after(async () => {
      const perdure = await launched?.catch(() => null);
      if (perdure == null) return;
      await untilIdle(perdure, 0, slice.leftMs());
      await this.engine.endSlice(sliceDrainMs);
    });
    launched = this.engine.beginSlice(this.#hosting.launch);
    return await launched;
  }

  #httpOf(perdure: Perdure): WebHttp<Req> {
    const known = this.#adapters.get(perdure);
    if (known !== undefined) return known;
    const { queue } = this.#hosting;
    const http = createHttp<Req>(queue === null ? perdure : new EnqueuingEngine(perdure, queue), this.#options);
    this.#adapters.set(perdure, http);
    return http;
  }
}
