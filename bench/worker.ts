import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Moment, Report } from './contender.js';

/** A process that runs the workflow of one contender, and tells what happens in it. */
export class Worker {
  readonly #process: ChildProcess;
  readonly #moments = new Map<string, { readonly atMs: Promise<number>; readonly tell: (atMs: number) => void }>();

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (report: Report) => {
      if (report !== 'ready') this.#of(report.id, report.moment).tell(report.atMs);
    });
  }

  /** @param file one of `children/` */
  static async launch(file: string, args: readonly string[]): Promise<Worker> {
    const child = fork(fileURLToPath(new URL(`./children/${file}`, import.meta.url)), args, {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, TSX_TSCONFIG_PATH: fileURLToPath(new URL('./tsconfig.run.json', import.meta.url)) },
    });
    const worker = new Worker(child);
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (said !== 'ready') throw new Error(`${file} has ended before it was ready`);
    return worker;
  }

  async told(id: string, moment: Moment): Promise<number> {
    const atMs = await this.#of(id, moment).atMs;
    this.#moments.delete(`${moment} ${id}`);
    return atMs;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.disconnect();
    await exit;
  }

  #of(id: string, moment: Moment): { readonly atMs: Promise<number>; readonly tell: (atMs: number) => void } {
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
