import { Perdure, type StartOptions } from '@perdure/core';
import type { RunStarter } from '@perdure/core/internal';

type Queue = NonNullable<StartOptions['queue']>;

/** The same engine, on which runs wait in a queue for another process instead of beginning here. It is never launched nor shut down. */
export class EnqueuingEngine extends Perdure {
  readonly #queue: Queue;

  constructor({ starter }: Perdure, queue: Queue) {
    super({ desk: enqueuing(starter, queue) } as never, null);
    this.#queue = queue;
  }

  /** What a run of the engine starts others with, likewise. */
  over(starter: RunStarter): RunStarter {
    return enqueuing(starter, this.#queue);
  }
}

function enqueuing(starter: RunStarter, queue: Queue): RunStarter {
  const start: RunStarter['start'] = async (request) => {
    // A request's own run needs its request, which is here.
    const stays = request.definition.name.startsWith('perdure.http.') || request.options.queue !== undefined;
    return await starter.start(stays ? request : { ...request, options: { ...request.options, queue } });
  };
  return new Proxy(starter, {
    get: (_target, name) => (name === 'start' ? start : memberOf(starter, name)),
  });
}

/** Bound to the engine itself, whose private members a proxy doesn't have. */
function memberOf(starter: RunStarter, name: string | symbol): unknown {
  const member: unknown = Reflect.get(starter, name, starter);
  return typeof member === 'function' ? (...args: unknown[]): unknown => Reflect.apply(member, starter, args) : member;
}
