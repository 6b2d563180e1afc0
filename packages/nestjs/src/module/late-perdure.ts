import { type Health, NotLaunchedError, Perdure } from '@perdure/core';

/**
 * The engine that is injected. Providers are made before there is one, so this is a handle that passes everything on to the
 * engine, once it is launched.
 */
export class LatePerdure {
  readonly perdure: Perdure;
  #launched: Perdure | null = null; // null = not yet

  constructor() {
    const nothing = Object.create(Perdure.prototype) as Perdure;
    this.perdure = new Proxy(nothing, {
      get: (_target, name) => (this.#launched === null ? beforeLaunch(name) : memberOf(this.#launched, name)),
    });
  }

  get isLaunched(): boolean {
    return this.#launched !== null;
  }

  launched(perdure: Perdure): void {
    this.#launched = perdure;
  }
}

/** Bound to the engine itself, whose private members a proxy doesn't have. */
function memberOf(perdure: Perdure, name: string | symbol): unknown {
  const member: unknown = Reflect.get(perdure, name, perdure);
  return typeof member === 'function' && name !== 'constructor'
    ? (...args: unknown[]): unknown => Reflect.apply(member, perdure, args)
    : member;
}

const promising = new Set<string | symbol>(['send', 'getEvent', 'completeToken']);

function beforeLaunch(name: string | symbol): unknown {
  if (name === 'health') return () => notLaunched;
  if (name === 'shutdown') return () => Promise.resolve();
  if (name === 'executorId') return null;
  if (name === 'isCurrent') return false;
  if (promising.has(name)) return () => Promise.reject(new NotLaunchedError());
  // Whoever looks whether it is a promise, or a provider with hooks, finds that it is not.
  if (name === 'constructor' || !(name in Perdure.prototype)) return Reflect.get(Perdure.prototype, name) as unknown;
  throw new NotLaunchedError();
}

const notLaunched: Health = {
  status: 'unhealthy',
  reasons: [{ code: 'no-executor', message: 'The engine is not launched yet.', since: null }],
  executorId: null,
  runs: 0,
  backlogBytes: 0,
};
