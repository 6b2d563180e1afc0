import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { RunInfo } from '@perdure/core';
import { forkChild } from '../support/children.js';
import type { defineWorkflows } from './children/workflows.js';
import { eventually } from './eventually.js';

export interface WorkerOptions {
  /** Names the process in the ledger, in `pg_stat_activity` and in the names of gates. */
  readonly label: string;
  readonly url: string;
  readonly schema: string;
  readonly ledger: string;
  readonly gates: string;
  readonly leaseMs: number;
  readonly drainMs: number;
  readonly maxCrashes: number;
  /** After a pause beyond its lease, the process writes before it can hear that the lease is gone. */
  readonly noticesLate: boolean;
}

export interface Start {
  readonly workflow: keyof ReturnType<typeof defineWorkflows>;
  readonly workflowId: string;
  readonly args: readonly unknown[];
}

/** How a run ended: its value, or the code of its error. */
export type Ended = { readonly value: unknown } | { readonly code: string };

type Ask =
  | { readonly kind: 'start'; readonly runs: readonly Start[] }
  | { readonly kind: 'ends'; readonly workflowIds: readonly string[] }
  | { readonly kind: 'statuses'; readonly workflowIds: readonly string[] }
  | { readonly kind: 'executorId' };

/** What the parent sends. */
export type Question = Ask & { readonly no: number };

/** What the process sends. */
export type Message =
  | { readonly kind: 'ready' | 'draining' | 'refused' }
  | { readonly kind: 'answer'; readonly no: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly no: number; readonly message: string };

export interface Exit {
  readonly code: number | null; // null = ended by a signal
  readonly signal: NodeJS.Signals | null; // null = exited by itself
}

/** A process of its own that runs an engine; see `children/worker.ts`. */
export class WorkerProcess {
  readonly label: string;
  readonly exit: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #log: string;
  readonly #heard: Message['kind'][] = [];
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastNo = 0;

  private constructor(options: WorkerOptions, log: string) {
    this.label = options.label;
    this.#log = log;
    const output = openSync(log, 'a');
    this.#process = forkChild(new URL('./children/worker.ts', import.meta.url), [JSON.stringify(options)], output);
    closeSync(output);
    this.#process.on('message', (message: Message) => this.#hear(message));
    this.exit = once(this.#process, 'exit').then(([code, signal]) => {
      for (const { reject } of this.#open.values())
        reject(new Error(`${this.label} ended before it answered: ${String(signal ?? code)}`));
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  /** Starts a process and waits until its engine runs; `onSpawned` learns of it before, for the case that it never does. */
  static async launch(
    options: WorkerOptions,
    log: string,
    onSpawned: (worker: WorkerProcess) => void,
  ): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options, log);
    onSpawned(worker);
    await worker.hears('ready');
    return worker;
  }

  /** It ended with an error, not by a signal. */
  get hasFailed(): boolean {
    return this.#process.exitCode !== null && this.#process.exitCode !== 0;
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exit;
  }

  /** Waits until the process has said this. */
  async hears(kind: 'ready' | 'draining' | 'refused'): Promise<void> {
    await eventually(`${this.label} says "${kind}"`, () => {
      if (!this.isAlive) throw new Error(`${this.label} has ended:\n${readFileSync(this.#log, 'utf8')}`);
      return this.#heard.includes(kind);
    });
  }

  /** Starts runs; resolves when all of them are durable. */
  async start(...runs: readonly Start[]): Promise<void> {
    await this.#ask({ kind: 'start', runs });
  }

  /** Waits for the outcomes of runs, wherever they come about. */
  async ends(workflowIds: readonly string[]): Promise<Ended[]> {
    return (await this.#ask({ kind: 'ends', workflowIds })) as Ended[];
  }

  async statuses(workflowIds: readonly string[]): Promise<RunInfo[]> {
    return (await this.#ask({ kind: 'statuses', workflowIds })) as RunInfo[];
  }

  async executorId(): Promise<string | null> {
    return (await this.#ask({ kind: 'executorId' })) as string | null;
  }

  #ask(ask: Ask): Promise<unknown> {
    const no = ++this.#lastNo;
    return new Promise((resolve, reject) => {
      this.#open.set(no, { resolve, reject });
      this.#process.send({ ...ask, no } satisfies Question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  #hear(message: Message): void {
    if (message.kind === 'answer') this.#open.get(message.no)?.resolve(message.value);
    else if (message.kind === 'failed') this.#open.get(message.no)?.reject(new Error(message.message));
    else this.#heard.push(message.kind);
    if ('no' in message) this.#open.delete(message.no);
  }
}
