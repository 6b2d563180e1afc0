import { InvalidArgumentError } from '../errors/errors.js';
import { isObject, told } from '../util/given.js';

const nameBytesMax = 255;

/** @throws {InvalidArgumentError} unless a name has 1 to 255 bytes, all printable */
export function checkName(kind: 'workflow' | 'step' | 'version' | 'queue' | 'patch', name: string): string {
  return check(`The name of a ${kind}`, name);
}

/** @throws {InvalidArgumentError} unless the id has 1 to 255 bytes, all printable */
export function checkWorkflowId(workflowId: string): string {
  return check('A workflowId', workflowId);
}

/** @throws {InvalidArgumentError} unless a run is meant by its id, or by a handle of it */
export function idOf(run: string | { readonly workflowId: string }): string {
  return checkWorkflowId(isObject(run) ? run.workflowId : run);
}

/** @throws {InvalidArgumentError} unless it is a text that Postgres takes; a run is asked for by it, and need not be there */
export function checkAskedId(workflowId: unknown): string {
  if (typeof workflowId === 'string' && !/\0|\p{Cs}/u.test(workflowId)) return workflowId;
  throw new InvalidArgumentError(
    `A workflowId must be a string without NUL and broken surrogates, not ${told(workflowId)}`,
  );
}

/** @throws {InvalidArgumentError} unless a key, or an id that a user chose, has 1 to 255 bytes, all printable */
export function checkKey(what: string, key: string): string {
  return check(what, key);
}

/** @throws {InvalidArgumentError} unless a name leaves room for the slot in the workflow ids of its runs */
export function checkScheduleName(name: string): string {
  return check('The name of a schedule', name, 200);
}

function check(what: string, text: unknown, bytesMax = nameBytesMax): string {
  if (typeof text !== 'string') throw new InvalidArgumentError(`${what} must be a string, not ${typeof text}`);
  const problem = /^[\s\p{Cf}]*$/u.test(text)
    ? 'must not be empty'
    : Buffer.byteLength(text) > bytesMax
      ? `must not be longer than ${bytesMax} bytes`
      : /\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}/u.test(text)
        ? 'must not contain control characters, line breaks or broken surrogates'
        : null;
  if (problem === null) return text;
  throw new InvalidArgumentError(`${what} ${problem}: ${JSON.stringify(text.slice(0, 60))}`);
}
