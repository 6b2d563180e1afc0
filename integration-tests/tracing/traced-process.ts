import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '../recovery/eventually.js';
import { forkChild } from '../support/children.js';

export interface TracedOptions {
  /** Its `service.instance.id`. */
  readonly label: string;
  readonly url: string;
  readonly schema: string;
  /** Where its spans go; null = no SDK is registered. */
  readonly collector: string | null;
  /** `api`: core with any SDK; `otel`: with the ids and stand-ins of @perdure/otel. */
  readonly level: 'api' | 'otel';
  /** Of the batch processor, at level `api`. */
  readonly batchDelayMs: number;
  readonly leaseMs: number;
  /** The queues that it serves. */
  readonly queues: readonly string[];
  readonly host: string | null; // null = no attribute says which
  /** The steps at which it says so and waits until it is told to go on. */
  readonly gates: readonly string[];
  /** Whether everything that has ended by then has been exported when it says so. */
  readonly flushesAtGates: boolean;
  readonly isSampled: boolean;
  /** By which it takes orders over HTTP, and enqueues them; null = it doesn't. */
  readonly framework: string | null;
}

/** What a process is asked to do. */
export type TracedQuestion =
  /** Handles a request in a span of the user's, and waits for the run or doesn't. */
  | { readonly kind: 'request'; readonly workflowId: string; readonly queue: string | null; readonly waits: boolean }
  /** Handles one that starts a run with a transactional step. */
  | { readonly kind: 'settle'; readonly workflowId: string }
  | { readonly kind: 'go' }
  | { readonly kind: 'cancel'; readonly workflowId: string }
  | { readonly kind: 'send'; readonly workflowId: string }
  | { readonly kind: 'finish' };

export type TracedMessage =
  | { readonly kind: 'ready'; readonly orders: string | null }
  | { readonly kind: 'started' | 'finished' }
  | { readonly kind: 'at'; readonly gate: string }
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly message: string };

/** A process of its own with an engine, an SDK and a real batch processor; see `children/traced-worker.ts`. */
export class TracedProcess {
  readonly label: string;
  readonly #process: ChildProcess;
  readonly #heard: TracedMessage[] = [];
  #orders: string | null = null;

  private constructor(options: TracedOptions) {
    this.label = options.label;
    this.#process = forkChild(new URL('./children/traced-worker.ts', import.meta.url), [JSON.stringify(options)], 2);
    this.#process.on('message', (message: TracedMessage) => this.#heard.push(message));
  }

  static async launch(options: TracedOptions, onSpawned: (process: TracedProcess) => void): Promise<TracedProcess> {
    const process = new TracedProcess(options);
    onSpawned(process);
    const ready = await process.hears(({ kind }) => kind === 'ready');
    if (ready.kind === 'ready') process.#orders = ready.orders;
    return process;
  }

  /** Where it takes orders. */
  get orders(): string {
    if (this.#orders === null) throw new Error(`${this.label} takes no orders`);
    return this.#orders;
  }

  ask(question: TracedQuestion): void {
    this.#process.send(question);
  }

  async reaches(gate: string): Promise<void> {
    await this.hears((message) => message.kind === 'at' && message.gate === gate);
  }

  async answers(): Promise<unknown> {
    const message = await this.hears(({ kind }) => kind === 'answer');
    return message.kind === 'answer' ? message.value : undefined;
  }

  async hears(isMeant: (message: TracedMessage) => boolean): Promise<TracedMessage> {
    let found: TracedMessage | undefined;
    await eventually(`${this.label} says what is waited for`, () => {
      const failed = this.#heard.find(({ kind }) => kind === 'failed');
      if (failed?.kind === 'failed') throw new Error(`${this.label}: ${failed.message}`);
      found = this.#heard.find(isMeant);
      if (found === undefined && !this.isAlive) throw new Error(`${this.label} has ended`);
      return found !== undefined;
    });
    return found!;
  }

  /** Ends in peace: hands over, and sends its spans. */
  async finish(): Promise<void> {
    if (!this.isAlive) return;
    this.ask({ kind: 'finish' });
    await once(this.#process, 'exit');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    if (!this.isAlive) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }
}
