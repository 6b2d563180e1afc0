import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidArgumentError, RunNotFoundError } from '../errors/errors.js';
import type { StreamRange } from '../store/streams.js';
import type { Codec } from '../codec/codec.js';
import { unlessAborted } from '../util/unless-aborted.js';
import type { StepContext, WorkflowContext } from './context.js';
import { currentContext, starterOn } from './current-context.js';
import type { DurableCall } from './durable-call.js';
import { validateMessage, validateNow } from './input-schema.js';
import { checkKey, idOf } from './names.js';
import type { RunStarter } from './run-starter.js';
import type { CallStreams, StreamWrites } from './run-streams.js';
import { told } from '../util/given.js';

/** Writes to a stream of the run that uses it. */
export interface StreamWriter<Value> {
  readonly name: string;
  /**
   * Adds values at the end. Resolves once they are durable, or, in a workflow, recorded. You need not wait for it: what is
   * appended meanwhile shares one commit, and the order stays.
   *
   * @throws {InvalidArgumentError} outside a workflow and its steps, in a transactional step, and after the end
   * @throws {InvalidMessageError} if one doesn't fit the schema; then none of them is added
   */
  readonly append: (...values: Value[]) => Promise<void>;
  /** Ends the stream, before the run ends. Done again, it changes nothing. */
  readonly close: () => Promise<void>;
}

export interface StreamValue<Value> {
  readonly kind: 'value';
  /** Its place in the stream. */
  readonly offset: number;
  readonly value: Value;
}

/** A step failed, or its process died, after it had written: its values don't count, and it may write others. */
export interface StreamRollback {
  readonly kind: 'rollback';
  readonly offset: number;
  /** The offsets that don't count any more: each range from `first` to `last`, inclusive. */
  readonly discarded: readonly StreamRange[];
}

export type StreamItem<Value> = StreamValue<Value> | StreamRollback;

export interface StreamOptions<Value = unknown> {
  /** Any Standard Schema (Zod, Valibot, ArkType …) that checks at once: what it makes of a value is added. */
  readonly schema?: StandardSchemaV1<Value, unknown>;
}

export interface ReadStreamOptions<Value = unknown> {
  /** The offset to begin with; 0 by default. Whoever has seen 7 goes on with 8. */
  readonly from?: number;
  /** Any Standard Schema (Zod, Valibot, ArkType …) for the values: checked, and applied, as they are read. */
  readonly schema?: StandardSchemaV1<unknown, Value>;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
  /** The engine to ask where there are several. */
  readonly engine?: { readonly starter: RunStarter };
}

/**
 * A stream of this run, to be written to in the workflow or in its steps, while others read it: an answer as it is generated,
 * the lines of a log.
 *
 * What the workflow appends is there once, whatever crashes. What a step appends can be read at once; if the step fails, is
 * tried again or is given up, it is taken back ({@link StreamRollback}).
 *
 * @example
 * const answer = stream<string>('answer');
 * await step.run('generate', async () => {
 *   for await (const token of model.generate(prompt)) await answer.append(token);
 * });
 * await answer.close();
 */
export function stream<Value = unknown>(name: string, { schema }: StreamOptions<Value> = {}): StreamWriter<Value> {
  checkKey('The name of a stream', name);
  return {
    name,
    append: (...values) => write({ name, kind: 'value', values, schema }),
    close: () => write({ name, kind: 'close', values: [undefined], schema: undefined }),
  };
}

/**
 * Reads a stream of a run: what is there, then what comes, until the stream or the run ends. From any process, as often as
 * you like, each offset once and in order.
 *
 * What a step writes may be taken back. Whoever has read it gets a {@link StreamRollback}; whoever comes later finds a gap.
 *
 * @throws {InvalidArgumentError} in a workflow, which would not do the same again in a replay
 * @throws {InvalidMessageError} if a value doesn't fit the schema
 * @throws {RunNotFoundError}
 *
 * @example
 * for await (const item of readStream<string>(run, 'answer')) {
 *   if (item.kind === 'value') shown.set(item.offset, item.value);
 *   else shown.takeBack(item.discarded);
 * }
 */
export async function* readStream<Value = unknown>(
  run: string | { readonly workflowId: string },
  name: string,
  options: ReadStreamOptions<Value> = {},
): AsyncGenerator<StreamItem<Value>, void, undefined> {
  const workflowId = idOf(run);
  checkKey('The name of a stream', name);
  const begin = checkOffset(options.from ?? 0);
  if (currentContext()?.kind === 'workflow') {
    throw new InvalidArgumentError('readStream was called in a workflow. Read in a step, or receive messages.');
  }
  const starter = starterOn(options.engine);
  const stopped = new AbortController();
  const signal = options.signal === undefined ? stopped.signal : AbortSignal.any([stopped.signal, options.signal]);
  let seen = begin - 1; // the last value that this reader, or whoever it goes on for, knows
  try {
    for (let from = begin; !signal.aborted;) {
      const found = await unlessAborted(signal, starter.stream({ workflowId, name, from }, signal));
      if (found === null) return;
      if (found.run === 'unknown') throw new RunNotFoundError(workflowId);
      for (const { no, kind, payload } of found.entries) {
        if (signal.aborted || kind === 'close') return;
        from = no + 1;
        if (kind === 'value') {
          const value = starter.decode(payload);
          const { schema } = options;
          const valid = schema === undefined ? value : await validateMessage(schema, value, valueAt(no, name));
          seen = no;
          yield { kind, offset: no, value: valid as Value };
        } else {
          const discarded = JSON.parse(payload ?? '[]') as readonly StreamRange[];
          if (discarded.some(({ first }) => first <= seen)) yield { kind, offset: no, discarded };
        }
      }
      if (found.run === 'ended' && !found.isPart) return;
    }
  } finally {
    stopped.abort();
  }
}

/** What is written at once. */
interface Written {
  readonly name: string;
  readonly kind: StreamWrites['kind'];
  readonly values: readonly unknown[];
  readonly schema: StandardSchemaV1 | undefined;
}

function write(written: Written): Promise<void> {
  const context = currentContext();
  if (context?.kind === 'workflow') return context.call(writeCall(written, context)) as Promise<void>;
  if (context?.kind === 'step') return writeInStep(written, context);
  return Promise.reject(
    new InvalidArgumentError(
      `The stream "${written.name}" was written to outside a workflow. Only a run writes to its streams.`,
    ),
  );
}

/** The history holds that it was written, and the stream what. */
function writeCall(written: Written, { seams: { clock, codec } }: WorkflowContext): DurableCall {
  const { name } = written;
  return {
    kind: 'stream',
    name,
    perform(call) {
      const writes = toWrites(written, codec, call.streams);
      call.complete({ payload: null, failed: false, startedAt: clock.now(), writes });
    },
    revive: () => undefined,
  };
}

async function writeInStep(written: Written, context: StepContext): Promise<void> {
  if (context.transaction !== null) {
    throw new InvalidArgumentError(
      `The stream "${written.name}" was written to in a transactional step, whose commit it cannot be part of. Write in the workflow, or in a plain step.`,
    );
  }
  await context.streams.write(toWrites(written, context.seams.codec, context.streams));
}

function toWrites({ name, kind, values, schema }: Written, codec: Codec, streams: CallStreams): StreamWrites {
  if (kind === 'value' && streams.isClosed(name)) throw closed(name);
  const valid =
    schema === undefined
      ? values
      : values.map((value) => validateNow(schema, value, `A value of the stream "${name}"`));
  return { name, kind, payloads: valid.map((value) => codec.encode(value)) };
}

const valueAt = (offset: number, name: string): string => `The value at ${offset} of the stream "${name}"`;

function checkOffset(from: number): number {
  if (Number.isSafeInteger(from) && from >= 0) return Math.min(from, 2_147_483_647);
  throw new InvalidArgumentError(`from must be a whole number of at least 0, not ${told(from)}`);
}

const closed = (name: string): Error =>
  new InvalidArgumentError(`The stream "${name}" is closed. Close it after the last value, or write to another one.`);
