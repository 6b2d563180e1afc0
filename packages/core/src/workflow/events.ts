import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EventNotSetError } from '../errors/message-errors.js';
import { InvalidArgumentError, RunNotFoundError } from '../errors/errors.js';
import { type Duration, toMs } from '../util/duration.js';
import { SystemClock } from '../seams/system-clock.js';
import { unlessAborted } from '../util/unless-aborted.js';
import { answer } from './answer.js';
import type { WorkflowContext } from './context.js';
import { currentContext, starterOn } from './current-context.js';
import type { DurableCall } from './durable-call.js';
import { validateMessage, validateNow } from './input-schema.js';
import { checkKey, idOf } from './names.js';
import type { RunStarter } from './run-starter.js';

export interface SetEventOptions<Value = unknown> {
  /** Any Standard Schema (Zod, Valibot, ArkType …) that checks at once: what it makes of the value is set. */
  readonly schema?: StandardSchemaV1<Value, unknown>;
}

export interface GetEventOptions<Value = unknown> {
  /** How long to wait at most. In a workflow, race it with {@link sleep} instead. */
  readonly timeout?: Duration;
  /** Any Standard Schema (Zod, Valibot, ArkType …) for the value: checked, and applied, when it is read. */
  readonly schema?: StandardSchemaV1<unknown, Value>;
  /** The engine to ask where there are several. */
  readonly engine?: { readonly starter: RunStarter };
}

export interface WatchOptions<Value = unknown> {
  /** Ends the watching. */
  readonly signal?: AbortSignal;
  /** Any Standard Schema (Zod, Valibot, ArkType …) for the value: checked, and applied, when it is read. */
  readonly schema?: StandardSchemaV1<unknown, Value>;
  /** The engine to ask where there are several. */
  readonly engine?: { readonly starter: RunStarter };
}

/**
 * Publishes a value of this run, for whoever asks with {@link getEvent} or {@link watch}: its progress, a link, a decision
 * that others wait for. The latest value of a key counts, also after the run has ended.
 *
 * @throws {InvalidArgumentError} outside a workflow
 * @throws {InvalidMessageError} if it doesn't fit the schema; then nothing is set
 *
 * @example
 * await setEvent('progress', { done: 12, of: 80 });
 */
export function setEvent<Value = unknown>(
  key: string,
  value: Value,
  options: SetEventOptions<Value> = {},
): Promise<void> {
  checkKey('key', key);
  const context = currentContext();
  if (context?.kind === 'workflow') return context.call(setCall(key, value, options.schema, context)) as Promise<void>;
  return Promise.reject(
    new InvalidArgumentError(
      `setEvent("${key}") was called outside a workflow. Call it in the workflow function itself, not in a step.`,
    ),
  );
}

/**
 * The latest value of an event of a run; waits until there is one.
 *
 * @param run its workflow id, or a handle
 * @throws {EventNotSetError} if there was none in time, or the run has ended without setting it
 * @throws {InvalidMessageError} if it doesn't fit the schema
 * @throws {RunNotFoundError}
 *
 * @example
 * const { url } = await getEvent<{ url: string }>(`order-${id}`, 'payment page', { timeout: '10s' });
 */
export function getEvent<Value = unknown>(
  run: string | { readonly workflowId: string },
  key: string,
  options: GetEventOptions<Value> = {},
): Promise<Value> {
  const workflowId = idOf(run);
  checkKey('key', key);
  const timeoutMs = options.timeout === undefined ? null : toMs(options.timeout, 'timeout of getEvent');
  const context = currentContext();
  if (context?.kind !== 'workflow') {
    const starter = starterOn(options.engine);
    return firstEvent(starter, workflowId, key, timeoutMs).then(
      (payload) => readValue(starter.decode(payload), key, options.schema) as Promise<Value>,
    );
  }
  if (timeoutMs === null) return context.call(getCall(workflowId, key, options.schema, context)) as Promise<Value>;
  return Promise.reject(
    new InvalidArgumentError('In a workflow, getEvent has no timeout. Race it: Promise.race([getEvent(…), sleep(…)]).'),
  );
}

/**
 * The values of an event of a run as they come: the one that is there, then each later one; some in between may be left out
 * if they come quickly. Ends when the run has ended.
 *
 * @throws {InvalidArgumentError} in a workflow, which would not do the same again in a replay
 * @throws {InvalidMessageError} if a value doesn't fit the schema
 * @throws {RunNotFoundError}
 *
 * @example
 * for await (const { done, of } of watch<Progress>(run, 'progress')) bar.update(done / of);
 */
export async function* watch<Value = unknown>(
  run: string | { readonly workflowId: string },
  key: string,
  options: WatchOptions<Value> = {},
): AsyncGenerator<Value, void, undefined> {
  const workflowId = idOf(run);
  checkKey('key', key);
  if (currentContext()?.kind === 'workflow') {
    throw new InvalidArgumentError('watch was called in a workflow. Use getEvent there, or receive messages.');
  }
  const starter = starterOn(options.engine);
  const stopped = new AbortController();
  const signal = options.signal === undefined ? stopped.signal : AbortSignal.any([stopped.signal, options.signal]);
  try {
    for (let after = -1; !signal.aborted;) {
      const found = await unlessAborted(signal, starter.event({ workflowId, key, after }, signal));
      if (found === null) return;
      if (found.run === 'unknown') throw new RunNotFoundError(workflowId);
      if (found.event === null) return;
      after = found.event.position;
      yield (await readValue(starter.decode(found.event.payload), key, options.schema)) as Value;
    }
  } finally {
    stopped.abort();
  }
}

/** What it is set to counts from the moment at which the call is recorded: nothing happens but that. */
function setCall(
  key: string,
  value: unknown,
  schema: StandardSchemaV1 | undefined,
  { seams: { clock, codec } }: WorkflowContext,
): DurableCall {
  return {
    kind: 'event',
    name: key,
    perform(call) {
      const valid = schema === undefined ? value : validateNow(schema, value, `The event "${key}"`);
      call.complete({ payload: codec.encode(valid), failed: false, startedAt: clock.now() });
    },
    revive: () => undefined,
  };
}

function getCall(
  workflowId: string,
  key: string,
  schema: StandardSchemaV1 | undefined,
  context: WorkflowContext,
): DurableCall {
  const { codec } = context.seams;
  return {
    kind: 'get-event',
    name: key,
    perform: (call) =>
      answer(call, context, async () => {
        call.rest({ kind: 'event', workflowId, key });
        const payload = await firstEvent(context.starter, workflowId, key, null, call.signal);
        if (schema === undefined) return { payload, failed: false };
        return { payload: codec.encode(await readValue(codec.decode(payload), key, schema)), failed: false };
      }),
  };
}

async function readValue(value: unknown, key: string, schema: StandardSchemaV1 | undefined): Promise<unknown> {
  return schema === undefined ? value : await validateMessage(schema, value, `The event "${key}"`);
}

async function firstEvent(
  starter: RunStarter,
  workflowId: string,
  key: string,
  timeoutMs: number | null,
  outer?: AbortSignal,
): Promise<string | null> {
  const stopped = new AbortController();
  const signal = outer === undefined ? stopped.signal : AbortSignal.any([stopped.signal, outer]);
  const late =
    timeoutMs === null
      ? []
      : [
          new Promise<never>((_, reject) => {
            const timer = new SystemClock().setTimer(timeoutMs, () => {
              reject(new EventNotSetError(workflowId, key, 'timeout'));
            });
            signal.addEventListener('abort', () => timer.cancel(), { once: true });
          }),
        ];
  try {
    const found = await Promise.race([starter.event({ workflowId, key, after: -1 }, signal), ...late]);
    if (found.run === 'unknown') throw new RunNotFoundError(workflowId);
    if (found.event === null) throw new EventNotSetError(workflowId, key, 'ended');
    return found.event.payload;
  } finally {
    stopped.abort();
  }
}
