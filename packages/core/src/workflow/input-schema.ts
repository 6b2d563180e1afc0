import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidArgumentError, InvalidInputError } from '../errors/errors.js';
import { InvalidMessageError } from '../errors/message-errors.js';

/**
 * Checks an input against any Standard Schema (https://standardschema.dev) and returns what the schema makes of it.
 *
 * @throws {InvalidInputError} with the schema's issues
 */
export async function validateInput(schema: StandardSchemaV1, input: unknown, workflowName: string): Promise<unknown> {
  const result = await schema['~standard'].validate(input);
  if (result.issues !== undefined) throw new InvalidInputError(workflowName, result.issues);
  return result.value;
}

/** {@link validateInput} for the arguments of a start: the schema is about the first. */
export async function validateArguments(
  definition: { readonly name: string; readonly inputSchema: StandardSchemaV1 | undefined },
  args: readonly unknown[],
): Promise<unknown[]> {
  if (definition.inputSchema === undefined) return [...args];
  return [await validateInput(definition.inputSchema, args[0], definition.name), ...args.slice(1)];
}

/**
 * The same for what is sent to a run or written by one.
 *
 * @throws {InvalidMessageError} with the schema's issues
 */
export async function validateMessage(schema: StandardSchemaV1, message: unknown, what: string): Promise<unknown> {
  const result = await schema['~standard'].validate(message);
  if (result.issues !== undefined) throw new InvalidMessageError(what, result.issues);
  return result.value;
}

/**
 * The same at once, for what a run writes: what it writes next must not overtake it.
 *
 * @throws {InvalidMessageError} with the schema's issues
 * @throws {InvalidArgumentError} if the schema answers later
 */
export function validateNow(schema: StandardSchemaV1, value: unknown, what: string): unknown {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new InvalidArgumentError(
      `${what} has a schema that checks asynchronously, which could change the order. Check the value before, in a step.`,
    );
  }
  if (result.issues !== undefined) throw new InvalidMessageError(what, result.issues);
  return result.value;
}
