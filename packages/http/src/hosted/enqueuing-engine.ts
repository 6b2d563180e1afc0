import { Perdure, type StartOptions } from '@perdure/core';

type Desk = Perdure['starter'];

/** The same engine, on which runs wait in a queue for another process instead of beginning here. It is never launched nor shut down. */
export function enqueuingEngine({ starter }: Perdure, queue: NonNullable<StartOptions['queue']>): Perdure {
  const start: Desk['start'] = async (request) => {
    // A request's own run needs its request, which is here.
    const stays = request.definition.name.startsWith('perdure.http.') || request.options.queue !== undefined;
    return await starter.start(stays ? request : { ...request, options: { ...request.options, queue } });
  };
  const desk = new Proxy(starter, {
    get: (_target, name) => (name === 'start' ? start : memberOf(starter, name)),
  });
  return new Perdure({ desk } as never, null);
}

/** Bound to the engine itself, whose private members a proxy doesn't have. */
function memberOf(starter: Desk, name: string | symbol): unknown {
  const member: unknown = Reflect.get(starter, name, starter);
  return typeof member === 'function' ? (...args: unknown[]): unknown => Reflect.apply(member, starter, args) : member;
}
