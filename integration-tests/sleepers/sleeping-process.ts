import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { forkChild } from '../support/children.js';

export type Ask =
  | {
      readonly kind: 'start';
      readonly sleepers: readonly string[];
      readonly until: number;
      readonly receivers: readonly string[];
    }
  | { readonly kind: 'memory' }
  | { readonly kind: 'close' };

export interface Question {
  readonly no: number;
  readonly ask: Ask;
}

export type Reply =
  { readonly no: number; readonly value: Memory | null } | { readonly no: number; readonly error: string };

export interface Memory {
  /** The runs that are in memory. */
  readonly runs: number;
  /** The heap after a collection. */
  readonly heapBytes: number;
  /** The most that there were since the last question, as looked at every second. */
  readonly heapMax: number;
  readonly runsMax: number;
}

/** A process with an engine; see `children/sleeping-process.ts`. */
export class SleepingProcess {
  readonly #process: ChildProcess;
  readonly #log: string;
  readonly #open = new Map<number, { resolve(value: Memory | null): void; reject(error: Error): void }>();
  #lastNo = 0;

  private constructor(args: readonly string[], log: string) {
    this.#log = log;
    const output = openSync(log, 'a');
    const file = new URL('./children/sleeping-process.ts', import.meta.url);
    this.#process = forkChild(file, args, output, ['--expose-gc']);
    closeSync(output);
    this.#process.on('message', (message: Reply | 'ready') => {
      if (message !== 'ready') this.#hear(message);
    });
    this.#process.once('exit', () => {
      for (const { reject } of this.#open.values()) reject(this.#ended());
      this.#open.clear();
    });
  }

  /** @param log a file that gets what it prints */
  static async launch(args: readonly string[], log: string): Promise<SleepingProcess> {
    const launched = new SleepingProcess(args, log);
    const [said] = (await Promise.race([once(launched.#process, 'message'), once(launched.#process, 'exit')])) as [
      unknown,
    ];
    if (said !== 'ready') throw launched.#ended();
    return launched;
  }

  /** Starts runs, all at once; resolves when they are durable. */
  async start(runs: Omit<Extract<Ask, { kind: 'start' }>, 'kind'>): Promise<void> {
    await this.#ask({ kind: 'start', ...runs });
  }

  async memory(): Promise<Memory> {
    return (await this.#ask({ kind: 'memory' }))!;
  }

  /** Lets it leave in good order. */
  async close(): Promise<void> {
    await this.#ask({ kind: 'close' });
    await this.#end(() => this.#process.disconnect());
  }

  async kill(): Promise<void> {
    await this.#end(() => this.#process.kill('SIGKILL'));
  }

  async #end(end: () => void): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    end();
    await exit;
  }

  #ask(ask: Ask): Promise<Memory | null> {
    const no = ++this.#lastNo;
    return new Promise((resolve, reject) => {
      this.#open.set(no, { resolve, reject });
      this.#process.send({ no, ask } satisfies Question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  #hear(reply: Reply): void {
    const open = this.#open.get(reply.no);
    this.#open.delete(reply.no);
    if ('error' in reply) open?.reject(new Error(reply.error));
    else open?.resolve(reply.value);
  }

  #ended(): Error {
    return new Error(`The process has ended.\n${readFileSync(this.#log, 'utf8')}`);
  }
}
