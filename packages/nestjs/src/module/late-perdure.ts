import { type Health, NotLaunchedError, Perdure } from '@perdure/core';

/**
 * The engine that is injected. Providers are made before there is one, so this is a handle that passes everything on to the
 * engine, once it is launched.
 */
export class LatePerdure {
  readonly perdure: Perdure;
  #launched: Perdure | null = null; // null = not yet

  constructor() {
    const engine = new Proxy({}, { get: (_target, name) => this.#member(name) });
    this.perdure = new Perdure(engine as never, null);
  }

  get isLaunched(): boolean {
    return this.#launched !== null;
  }

  launched(perdure: Perdure): void {
    this.#launched = perdure;
  }

  /** What an engine has under a name. */
  #member(name: string | symbol): unknown {
    const perdure = this.#launched;
    // The database goes with the `Perdure` around the engine.
    if (name === 'shutdown') return async (drainMs: number) => await perdure?.shutdown({ drainMs });
    if (perdure === null) return beforeLaunch(name);
    const engine = perdure.starter;
    const member: unknown = Reflect.get(engine, name, engine);
    return typeof member === 'function' ? (...args: unknown[]): unknown => Reflect.apply(member, engine, args) : member;
  }
}

const values = new Set<string | symbol>(['dataSource', 'queues', 'schedules']);

function beforeLaunch(name: string | symbol): unknown {
  if (name === 'health') return () => notLaunched;
  if (name === 'executorId') return null;
  if (values.has(name)) throw new NotLaunchedError();
  return () => Promise.reject(new NotLaunchedError());
}

const notLaunched: Health = {
  status: 'unhealthy',
  reasons: [{ code: 'no-executor', message: 'The engine is not launched yet.', since: null }],
  executorId: null,
  runs: 0,
  backlogBytes: 0,
};
