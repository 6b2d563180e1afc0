import { InvalidArgumentError } from '../errors/errors.js';
import { currentContext } from './current-context.js';
import { checkName } from './names.js';

/**
 * Lets a workflow be changed while runs of it are under way: true in a run that comes to this place for the first time with
 * this code, false in one that older code has led past it. What a run was told is recorded, and so is the same in every
 * replay; and it is the same at every place of the run that asks for the same id.
 *
 * Outside a workflow it is true.
 *
 * @param id names the change, and must not change as long as runs remember it
 * @throws {InvalidArgumentError} in the body of a step, which replays don't repeat
 *
 * @example
 * const order = await place(cart);
 * if (patched('fraud check')) await checkForFraud(order);
 * await ship(order);
 */
export function patched(id: string): boolean {
  checkName('patch', id);
  const context = currentContext();
  if (context?.kind === 'step') throw inStep('patched', id);
  return context?.kind === 'workflow' ? context.patched(id) : true;
}

/**
 * Takes the place of {@link patched} once no run is left that was told false: the code has the new way only, and runs that
 * remember the patch still find it. When these have ended too, it can go.
 *
 * @throws {InvalidArgumentError} in the body of a step
 *
 * @example
 * const order = await place(cart);
 * deprecatePatch('fraud check');
 * await checkForFraud(order);
 */
export function deprecatePatch(id: string): void {
  checkName('patch', id);
  const context = currentContext();
  if (context?.kind === 'step') throw inStep('deprecatePatch', id);
  if (context?.kind === 'workflow') context.deprecatePatch(id);
}

const inStep = (name: string, id: string): Error =>
  new InvalidArgumentError(
    `${name}(${JSON.stringify(id)}) was called in the body of a step. Call it in the workflow function, and pass the answer on.`,
  );
