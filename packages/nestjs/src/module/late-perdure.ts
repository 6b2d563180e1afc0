import { NotLaunchedError, Perdure } from '@perdure/core';
import type { Health } from '@perdure/core';

/**
 * The engine that is injected. Providers are made before there is one, so this is a handle that passes everything on to the
 * engine, once it is launched.
 */
export class LatePerdure {
  readonly perdure: Perdure;
  #launched: Perdure | null = null; // null = not yet

  constructor() {
    const launched = (): Perdure | null => this.#launched;
    const engine = (): Perdure => this.#engine;
    const starter: Perdure['starter'] = {
      get dataSource() {
        return engine().starter.dataSource;
      },
      start: async (request) => await engine().starter.start(request),
      outcome: async (workflowId) => await engine().starter.outcome(workflowId),
      status: async (workflowId) => await engine().starter.status(workflowId),
      cancel: async (workflowId) => await engine().starter.cancel(workflowId),
      decode: (payload) => engine().starter.decode(payload),
      decodeError: (payload) => engine().starter.decodeError(payload),
    };
    const rest = {
      get executorId() {
        return launched()?.executorId ?? null;
      },
      get queues() {
        return engine().queues;
      },
      health: (): Health => launched()?.health() ?? notLaunched,
      shutdown: async (drainMs: number) => await launched()?.shutdown({ drainMs }),
    };
    const handle = Object.defineProperties(starter, Object.getOwnPropertyDescriptors(rest));
    this.perdure = new Perdure(handle as never, null);
  }

  get isLaunched(): boolean {
    return this.#launched !== null;
  }

  launched(perdure: Perdure): void {
    this.#launched = perdure;
  }

  get #engine(): Perdure {
    if (this.#launched === null) throw new NotLaunchedError();
    return this.#launched;
  }
}

const notLaunched: Health = {
  status: 'unhealthy',
  reasons: [{ code: 'no-executor', message: 'The engine is not launched yet.', since: null }],
  executorId: null,
  runs: 0,
  backlogBytes: 0,
};
