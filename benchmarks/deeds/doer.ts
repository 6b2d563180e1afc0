import type { Contender } from '../contender.js';
import type { Watch } from '../process/watch.js';

/** What a contender's process does its work with. */
export interface Doer {
  readonly contender: Contender;
  readonly watch: Watch;
}

/** What the contender must be able to do for a deed. */
export function able<Ability extends keyof Contender>(
  doer: Doer | null,
  ability: Ability,
): Doer & { readonly act: NonNullable<Contender[Ability]> } {
  const act = doer?.contender[ability];
  if (doer === null || act === undefined) throw new Error(`The contender cannot ${ability}`);
  return { ...doer, act };
}
