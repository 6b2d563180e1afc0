import type { Database } from '../database/database.js';
import { EngineStoppedError } from '../errors/errors.js';
import type { EventAnswer, EventQuestion } from '../store/events.js';
import type { StreamAnswer, StreamQuestion } from '../store/streams.js';
import { Interruptible } from '../util/interruptible.js';
import type { MessageToSend, RunStarter, TokenCompletion } from '../workflow/run-starter.js';
import type { EngineServices } from './engine-services.js';
import { Inquiries } from './inquiries.js';
import { Outbox } from './outbox.js';

/** What runs say to each other and to the world. */
type Letters = Pick<RunStarter, 'send' | 'complete' | 'event' | 'stream'>;

/**
 * Everything that goes from and to runs while they execute. Whoever asks from outside hears that the engine has stopped;
 * for a run that is still here, that must not become an error.
 */
export class Correspondence implements Letters {
  readonly #outbox: Outbox;
  readonly #events: Inquiries<EventQuestion, EventAnswer>;
  readonly #streams: Inquiries<StreamQuestion, StreamAnswer>;
  readonly #waits = new Interruptible();
  #isStopped = false;

  /**
   * @param isLocal whether a run executes in this process
   * @param onWoken runs that were parked are to be claimed
   */
  constructor(
    services: EngineServices,
    database: Database,
    isLocal: (workflowId: string) => boolean,
    onWoken: () => void,
  ) {
    const { store, clock, random, logger, hints, options } = services;
    this.#outbox = new Outbox(services, database, isLocal, onWoken);
    const askOthers = (ids: readonly string[]): void => hints.send({ type: 'wanted', ids });
    const shared = { clock, random, logger, pollMs: options.resultPollMs, askOthers };
    this.#events = new Inquiries({
      ...shared,
      name: 'events',
      find: (questions) => store.events.find(questions),
      isEmpty: ({ event, run }) => event === null && run === 'open',
    });
    this.#streams = new Inquiries({
      ...shared,
      name: 'streams',
      find: (questions) => store.streams.read(questions),
      isEmpty: ({ entries, run }) => entries.length === 0 && run === 'open',
    });
  }

  /** For the runs of this process. */
  get inside(): Letters {
    return {
      send: (message) => this.#outbox.send(message),
      complete: (completion) => this.#outbox.complete(completion),
      event: (question, signal) => this.#events.next(question, signal),
      stream: (question, signal) => this.#streams.next(question, signal),
    };
  }

  async send(message: MessageToSend): Promise<void> {
    await this.#unlessStopped(message.workflowId, () => this.#outbox.send(message));
  }

  async complete(completion: TokenCompletion): Promise<void> {
    await this.#unlessStopped(null, () => this.#outbox.complete(completion));
  }

  async event(question: EventQuestion, signal: AbortSignal): Promise<EventAnswer> {
    if (this.#isStopped) throw new EngineStoppedError(question.workflowId);
    return await this.#events.next(question, signal);
  }

  async stream(question: StreamQuestion, signal: AbortSignal): Promise<StreamAnswer> {
    if (this.#isStopped) throw new EngineStoppedError(question.workflowId);
    return await this.#streams.next(question, signal);
  }

  /** Something has happened in these runs. */
  look(workflowIds: readonly string[]): void {
    this.#events.look(workflowIds);
    this.#streams.look(workflowIds);
  }

  /** From now on, nobody outside is served. */
  close(): void {
    this.#isStopped = true;
  }

  async stop(): Promise<void> {
    this.close();
    this.#outbox.stop();
    this.#waits.interrupt();
    await this.#events.stop(new EngineStoppedError(null));
    await this.#streams.stop(new EngineStoppedError(null));
  }

  /** A message that is under way when the engine stops may arrive all the same. */
  async #unlessStopped(workflowId: string | null, send: () => Promise<void>): Promise<void> {
    if (this.#isStopped) throw new EngineStoppedError(workflowId);
    await this.#waits.wait(send, () => new EngineStoppedError(workflowId));
  }
}
