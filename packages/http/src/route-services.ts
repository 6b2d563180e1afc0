import type { Perdure } from '@perdure/core';
import type { Admission } from './admission.js';
import type { HttpOptions } from './options.js';
import type { RunWatch } from './run-watch.js';

/** What both kinds of routes work with. */
export interface RouteServices<Req> {
  readonly perdure: Perdure;
  readonly options: HttpOptions<Req>;
  readonly admission: Admission<Req>;
  readonly watch: RunWatch;
}
