import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { DeedArgument, DeedName, DeedResult } from '../deeds/deeds.js';
import type { OpenOptions, Order, Report } from './messages.js';
import type { Moment } from './watch.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process of one contender, as its parent sees it. */
export class Remote {
  readonly #process: ChildProcess;
  readonly #orders = new Map<number, Waiting>();
  readonly #moments = new Map<string, { readonly atMs: Promise<number>; readonly tell: (atMs: number) => void }>();
  #lastNo = 0;

  /**
   * @param file what the process runs
   * @param execPath the Node.js that it runs on
   */
  constructor(file: string, execPath: string) {
    this.#process = fork(file, {
      execPath,
      execArgv: ['--expose-gc', '--no-deprecation', ...(process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? [])],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    this.#process.on('message', (report: Report) => this.#reported(report));
    this.#process.once('exit', (code, signal) => {
      const error = new Error(`A process of the benchmark has ended: ${signal ?? code}`);
      for (const { reject } of this.#orders.values()) reject(error);
      this.#orders.clear();
    });
  }

  /** @returns how long loading and opening took, in milliseconds */
  open(options: OpenOptions): Promise<number> {
    return this.#order('open', options) as Promise<number>;
  }

  do<Name extends DeedName>(deed: Name, argument: DeedArgument<Name>): Promise<DeedResult<Name>> {
    return this.#order(deed, argument) as Promise<DeedResult<Name>>;
  }

  /** When that happened. */
  async told(id: string, moment: Moment): Promise<number> {
    const atMs = await this.#momentOf(id, moment).atMs;
    this.#moments.delete(`${moment} ${id}`);
    return atMs;
  }

  /** Stops the process where it is. */
  pause(): void {
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  async close(): Promise<void> {
    if (this.#hasEnded) return;
    const exit = once(this.#process, 'exit');
    // Whatever a contender does not manage to close in time ends with the process.
    const closed = this.#order('close', null).catch(() => {});
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 10_000).unref())]);
    if (this.#process.connected) this.#process.disconnect();
    await exit;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  #order(deed: string, argument: unknown): Promise<unknown> {
    const no = (this.#lastNo += 1);
    return new Promise((resolve, reject) => {
      this.#orders.set(no, { resolve, reject });
      this.#process.send({ no, deed, argument } satisfies Order);
    });
  }

  #reported(report: Report): void {
    if (report.kind === 'moment') {
      this.#momentOf(report.id, report.moment).tell(report.atMs);
      return;
    }
    const waiting = this.#orders.get(report.no);
    this.#orders.delete(report.no);
    if (report.kind === 'done') waiting?.resolve(report.value);
    else waiting?.reject(new Error(report.message));
  }

  #momentOf(id: string, moment: Moment): { readonly atMs: Promise<number>; readonly tell: (atMs: number) => void } {
    const key = `${moment} ${id}`;
    let found = this.#moments.get(key);
    if (found === undefined) {
      let tell!: (atMs: number) => void;
      const atMs = new Promise<number>((resolve) => (tell = resolve));
      found = { atMs, tell };
      this.#moments.set(key, found);
    }
    return found;
  }
}
