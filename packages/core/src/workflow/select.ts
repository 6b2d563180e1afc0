import { InvalidArgumentError } from '../errors/errors.js';
import { currentContext } from './current-context.js';

/** What each branch waits for; called at once. */
export type Branches = Readonly<Record<string, () => Promise<unknown>>>;

/** The branch that was first, and what it came to. */
export type Selected<B extends Branches> = {
  [Name in keyof B]: { readonly name: Name; readonly value: Awaited<ReturnType<B[Name]>> };
}[keyof B];

/**
 * Waits for the first of several durable things, and gives the others up: a receive that lost takes no message, a sleep
 * that lost leaves no timer, a step that lost gets its signal and is not recorded. A child that lost goes on.
 *
 * Each branch makes its call at once and is one call: what an async function does after its first `await` goes on when the
 * branch has lost.
 *
 * @throws what a branch throws, if that is first
 * @throws {InvalidArgumentError} outside a workflow, or without a branch
 *
 * @example
 * const first = await select({
 *   approval: () => receive<Approval>('approval'),
 *   withdrawn: () => receive('withdrawal'),
 *   late: () => sleep('3d'),
 * });
 * if (first.name === 'approval') await buy(first.value);
 */
export function select<B extends Branches>(branches: B): Promise<Selected<B>> {
  const context = currentContext();
  if (context?.kind !== 'workflow') {
    return Promise.reject(new InvalidArgumentError('select() was called outside a workflow. Use Promise.race there.'));
  }
  const names = Object.keys(branches);
  if (names.length === 0) return Promise.reject(new InvalidArgumentError('select() needs at least one branch'));
  const { made, giveUp } = context.track(() =>
    names.map(async (name) => ({ name, value: await branches[name]?.() }) as Selected<B>),
  );
  return Promise.race(made).finally(giveUp);
}
