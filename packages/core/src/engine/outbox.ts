import { SpanKind } from '@opentelemetry/api';
import { GroupCommit } from '../checkpoint-log/group-commit.js';
import type { Database } from '../database/database.js';
import { RunNotFoundError } from '../errors/errors.js';
import { RunFinishedError, TokenNotFoundError } from '../errors/message-errors.js';
import type { NewMessage, SendVerdict } from '../store/messages.js';
import { nameOfTopic, sendAttributes } from '../tracing/attributes.js';
import type { MessageToSend, TokenCompletion } from '../workflow/run-starter.js';
import { hashOfToken, topicOfToken } from '../workflow/tokens.js';
import type { EngineServices } from './engine-services.js';
import { refusedOneByOne } from './refused-one-by-one.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';

type Sent = SendVerdict | { readonly error: unknown };

/**
 * Sends messages in groups, in the order in which they are handed over, each until the database has answered for it, and
 * lets those know who may wait for them.
 */
export class Outbox {
  readonly #services: EngineServices;
  readonly #database: Database;
  /** Whether a run executes in this process, so that nobody else has to know. */
  readonly #isLocal: (workflowId: string) => boolean;
  /** Runs that were parked are to be claimed. */
  readonly #onWoken: () => void;
  readonly #groupCommit: GroupCommit<NewMessage, Sent>;

  constructor(
    services: EngineServices,
    database: Database,
    isLocal: (workflowId: string) => boolean,
    onWoken: () => void,
  ) {
    this.#services = services;
    this.#onWoken = onWoken;
    this.#database = database;
    this.#isLocal = isLocal;
    this.#groupCommit = new GroupCommit({
      flush: (batch) => refusedOneByOne(batch, (messages) => this.#deliver(messages)),
      nextTurn: (run) => services.clock.nextMacrotask(run),
      batchItemsMax: services.options.flushItemsMax,
      batchBytesMax: 4 * 1024 * 1024,
      bytesOf: (message) => 200 + (message.payload?.length ?? 0),
      isFatal: () => false,
      ownerOf: (message) => message.workflowId,
    });
  }

  /** Resolves once the message is durable, or part of its transaction. Never settles once the outbox has stopped. */
  async send(message: MessageToSend): Promise<void> {
    const { topic, workflowId, from } = message;
    const span = this.#services.tracing.request(
      `send ${nameOfTopic(topic)}`,
      SpanKind.PRODUCER,
      sendAttributes(workflowId),
      from,
    );
    await (span === null ? this.#send(message, null) : span.around(() => this.#send(message, span.sender)));
  }

  async #send(
    { workflowId, topic, message, idempotencyKey, transaction }: MessageToSend,
    trace: string | null,
  ): Promise<void> {
    const { store, clock, codec, random, hints, mailbox } = this.#services;
    const prepared = {
      workflowId,
      topic,
      payload: codec.encode(message),
      idempotencyKey: idempotencyKey ?? random.uuid(),
      trace,
    };
    if (transaction !== null) {
      const tx = this.#database.through(transaction);
      const [verdict] = await store.messages.send(tx, [prepared], clock.sqlNow());
      checkSent(workflowId, verdict);
      await hints.sendIn(tx, verdict === 'woken' ? { type: 'work' } : { type: 'message', ids: [workflowId] });
      return;
    }
    const sent = await this.#groupCommit.append(prepared);
    if (typeof sent === 'object') throw sent.error;
    checkSent(workflowId, sent);
    if (sent === 'woken') {
      this.#onWoken();
      return;
    }
    mailbox.arrived([workflowId]);
  }

  /** The token's own key lets only the first value count. */
  async complete({ token, value, transaction }: TokenCompletion): Promise<void> {
    const { store, codec } = this.#services;
    const hash = hashOfToken(token);
    const payload = codec.encodeRecord(hash);
    const workflowId = await (transaction === null
      ? this.#untilAnswered(() => store.tokens.findRun(this.#database, payload))
      : store.tokens.findRun(this.#database.through(transaction), payload));
    if (workflowId === null) throw new TokenNotFoundError();
    const topic = topicOfToken(hash);
    await this.send({ workflowId, topic, message: value, idempotencyKey: topic, from: null, transaction });
  }

  stop(): void {
    this.#groupCommit.abandon();
  }

  #deliver(batch: readonly NewMessage[]): Promise<readonly SendVerdict[]> {
    const { store, clock, hints } = this.#services;
    const ids = batch.map(({ workflowId }) => workflowId).filter((workflowId) => !this.#isLocal(workflowId));
    return this.#untilAnswered(() =>
      hints.around(ids.length === 0 ? [] : [{ type: 'message', ids }], (enclosed) =>
        store.messages.send(this.#database, batch, clock.sqlNow(), enclosed),
      ),
    );
  }

  #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    return retryWhileUnavailable(this.#services, () => this.#groupCommit.isAbandoned, ask);
  }
}

function checkSent(workflowId: string, verdict: SendVerdict | undefined): void {
  if (verdict === 'unknown') throw new RunNotFoundError(workflowId);
  if (verdict === 'finished') throw new RunFinishedError(workflowId);
}
