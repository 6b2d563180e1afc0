import type { Perdure } from '@perdure/core';

/**
 * Binds something to the engine of its application, of which there may be several in a process. In a request of that
 * application the engine is known, together with the ids for what is started; binding it once more would lose those.
 */
export function onEngine<Bound extends { with(options: { readonly engine: Perdure }): Bound }>(
  unbound: Bound,
  engine: Perdure,
): Bound {
  return engine.isCurrent ? unbound : unbound.with({ engine });
}
