import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { TransactionClient } from '../database/database.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { ReceiveTimeoutError } from '../errors/message-errors.js';
import type { EpochMs } from '../seams/clock.js';
import { type Duration, toMs } from '../util/duration.js';
import { following } from '../util/following.js';
import { answer } from './answer.js';
import type { WorkflowContext } from './context.js';
import { currentContext, starterOn } from './current-context.js';
import type { CallResult, DurableCall } from './durable-call.js';
import { validateMessage } from './input-schema.js';
import { checkKey, idOf } from './names.js';
import type { MessageToSend, RunStarter } from './run-starter.js';

export interface SendOptions {
  /** Sent again to the same run under the same key, it is the same message. Random where left out. */
  readonly idempotencyKey?: string;
  /** The transaction that the message becomes part of: it is sent only if that commits; see {@link StartOptions}. */
  readonly transaction?: TransactionClient;
  /** The engine to send through where there are several. */
  readonly engine?: { readonly starter: RunStarter };
}

export interface ReceiveOptions<Message = unknown> {
  /** How long to wait at most, restarts included. */
  readonly timeout?: Duration;
  /** Any Standard Schema (Zod, Valibot, ArkType …) for the message: checked, and applied, when it is received. */
  readonly schema?: StandardSchemaV1<unknown, Message>;
}

/**
 * Sends a message to a run, which gets it with {@link receive}, once, also if it asks later or has to be recovered.
 * Messages of one sender to one topic arrive in the order in which they were sent.
 *
 * @param run its workflow id, or a handle
 * @param topic what kind of message it is; each topic has a line of its own
 * @throws {InvalidArgumentError} at once, for an id, a topic or a key that doesn't hold
 * @throws {RunNotFoundError} if there is no such run yet
 * @throws {RunFinishedError} if it has ended, so that nobody would get the message
 *
 * @example
 * app.post('/orders/:id/approval', async (req, res) => {
 *   await send(`order-${req.params.id}`, 'approval', { by: req.user.id });
 *   res.sendStatus(204);
 * });
 */
export function send(
  run: string | { readonly workflowId: string },
  topic: string,
  message: unknown,
  options: SendOptions = {},
): Promise<void> {
  const context = currentContext();
  const given = checkedMessage(idOf(run), topic, message, options);
  if (context?.kind === 'workflow') {
    if (options.transaction !== undefined) return Promise.reject(transactionInWorkflow());
    return context.call(sendCall({ ...given, from: context.trace, transaction: null }, context)) as Promise<void>;
  }
  const transaction = options.transaction ?? (context?.kind === 'step' ? context.transaction : null);
  return starterOn(options.engine).send({ ...given, from: null, transaction });
}

/**
 * Waits for a message of a topic and takes it. A message that was sent before is there at once.
 *
 * @returns what was sent: a copy
 * @throws {ReceiveTimeoutError} if none came in time
 * @throws {InvalidMessageError} if it doesn't fit the schema; it is taken all the same
 * @throws {InvalidArgumentError} outside a workflow
 *
 * @example
 * const approval = await receive<Approval>('approval', { timeout: '24h' });
 */
export function receive<Message = unknown>(topic: string, options: ReceiveOptions<Message> = {}): Promise<Message> {
  const context = currentContext();
  checkKey('topic', topic);
  const wait = messageWait(topic, { kind: 'topic', name: topic }, options);
  if (context?.kind !== 'workflow') {
    return Promise.reject(
      new InvalidArgumentError(
        `receive("${topic}") was called outside a workflow, where nobody can send to. Call it in the workflow function itself.`,
      ),
    );
  }
  return context.call(receiveCall(wait, context)) as Promise<Message>;
}

function checkedMessage(
  workflowId: string,
  topic: string,
  message: unknown,
  { idempotencyKey }: SendOptions,
): Omit<MessageToSend, 'from' | 'transaction'> {
  checkKey('topic', topic);
  if (idempotencyKey !== undefined) checkKey('idempotencyKey', idempotencyKey);
  return { workflowId, topic, message, idempotencyKey: idempotencyKey ?? null };
}

/** The key is the call's own unless one is given, so that a crash in between sends nothing twice. */
function sendCall(message: MessageToSend, context: WorkflowContext): DurableCall {
  return {
    kind: 'send',
    name: message.topic,
    perform: (call) =>
      answer(call, context, async () => {
        await call.permission();
        const idempotencyKey = message.idempotencyKey ?? call.idempotencyKey;
        await call.track(context.starter.send({ ...message, idempotencyKey }));
        return { payload: null, failed: false };
      }),
  };
}

/** What a receive waits for. */
interface TopicWait {
  readonly topic: string;
  /** What errors call it. */
  readonly spoken: { readonly kind: 'topic' | 'token'; readonly name: string };
  readonly timeoutMs: number | null; // null = for ever
  readonly schema: StandardSchemaV1 | undefined;
}

export function messageWait(
  topic: string,
  spoken: TopicWait['spoken'],
  { timeout, schema }: ReceiveOptions,
): TopicWait {
  const timeoutMs = timeout === undefined ? null : toMs(timeout, 'timeout of receive');
  return { topic, spoken, timeoutMs, schema };
}

export function receiveCall({ topic, spoken, timeoutMs, schema }: TopicWait, context: WorkflowContext): DurableCall {
  const { clock, codec } = context.seams;
  const valid = async (payload: string | null): Promise<Pick<CallResult, 'payload' | 'failed'>> => {
    if (schema === undefined) return { payload, failed: false };
    try {
      const message = await validateMessage(
        schema,
        codec.decode(payload),
        `A message of ${spoken.kind} "${spoken.name}"`,
      );
      return { payload: codec.encode(message), failed: false };
    } catch (error) {
      return { payload: codec.encodeError(error), failed: true };
    }
  };
  return {
    kind: 'receive',
    name: topic,
    async perform(call) {
      const [marker] = call.markers;
      const startedAt = marker?.startedAt ?? clock.now();
      const stopped = following(call.signal);
      const wait = {
        workflowId: context.workflowId,
        topic,
        retries: call.retries,
        received: call.received,
        signal: stopped.signal,
      };
      let isFound = false;
      const take = async (): Promise<void> => {
        const { no, payload, trace } = await context.seams.mailbox.next(wait);
        isFound = true;
        stopped.abort();
        call.rest(null);
        call.complete({ ...(await valid(payload)), startedAt, consumed: { no, retries: call.retries, trace } });
      };
      const taken = take();
      if (timeoutMs === null) {
        call.rest({ kind: 'message', topic, until: null });
        return await taken;
      }
      const wakeAt = marker === undefined ? startedAt + timeoutMs : (codec.decode(marker.payload) as EpochMs);
      call.rest({ kind: 'message', topic, until: wakeAt });
      if (marker === undefined) call.mark('wait', codec.encodeRecord(wakeAt), startedAt);
      // What was sent in time counts, also if this process comes to look at it later.
      const giveUp = async (): Promise<void> => {
        await context.seams.mailbox.lookNow(context.workflowId);
        if (isFound) return;
        stopped.abort();
        const error = new ReceiveTimeoutError(context.workflowId, spoken.kind, spoken.name, timeoutMs);
        call.complete({ payload: codec.encodeError(error), failed: true, startedAt });
      };
      const timer = clock.setTimer(Math.max(0, wakeAt - clock.now()), () => void giveUp());
      wait.signal.addEventListener('abort', () => timer.cancel(), { once: true });
      await taken;
    },
  };
}

const transactionInWorkflow = (): Error =>
  new InvalidArgumentError(
    'A workflow sends a message in a transaction, but nothing that a workflow itself does can be in one. Send it in the body of step.transaction().',
  );
