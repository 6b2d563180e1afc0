import { AsyncLocalStorage } from 'node:async_hooks';
import type { Workflow } from '@perdure/core';
import type { SharedEngine } from './hosted/shared-engine.js';
import { Offers } from './offers.js';
import type { RequestScope } from './scope.js';
import type { RequestOutcome } from './stored-response.js';

/** What is stored of a request with a plain handler, for when its run is taken over. */
export interface StoredRequest {
  /** What the workflows that the handler starts are named after. */
  readonly origin: string;
  /** Of the payload: only a request with the same one may run the handler. */
  readonly fingerprint: string;
}

export type RequestWorkflow = Workflow<[StoredRequest], RequestOutcome>;

/** What there must be one of in a process, however often this package was loaded. */
export interface HttpState {
  /** The request that the calling code works for after its end; while it is under way, `perdure.within` knows. */
  readonly scopes: AsyncLocalStorage<RequestScope>;
  /** The requests that are here and could have their handlers run. */
  readonly offers: Offers;
  /** By the name that an application gave them. */
  readonly engines: Map<string, SharedEngine>;
  requestWorkflow: RequestWorkflow | null; // null = not defined yet
}

const key = Symbol.for('perdure.http.v1');

/** The one global of this package; see `processState` in @perdure/core for why there has to be one. */
export function httpState(): HttpState {
  const holder = globalThis as { [key]?: HttpState };
  return (holder[key] ??= {
    scopes: new AsyncLocalStorage<RequestScope>(),
    offers: new Offers(),
    engines: new Map(),
    requestWorkflow: null,
  });
}
