import type { Bench } from './bench.js';
import { median } from './report/figures.js';
import type { Remote } from './process/remote.js';

/** What this Postgres can do, as one process sees it. Measured among the contenders, in turns with them. */
export class Limits {
  readonly #remote: Remote;
  readonly #url: string;
  readonly #singleRowMs: number[] = [];
  readonly #rowsPerSecond = new Map<string, number[]>();

  private constructor(remote: Remote, url: string) {
    this.#remote = remote;
    this.#url = url;
  }

  static async open(bench: Bench): Promise<Limits> {
    return new Limits(bench.launch(), await bench.createDatabase());
  }

  async measureSingleRows(): Promise<void> {
    const { medianMs } = await this.#remote.do('singleRowCommits', { url: this.#url, rows: 800 });
    this.#singleRowMs.push(medianMs);
  }

  async measureManyRows(windowMs: number): Promise<void> {
    for (const [rows, connections] of [
      [100, 2],
      [500, 1],
      [500, 2],
      [500, 4],
    ] as const) {
      const options = { url: this.#url, rows, connections, windowMs };
      const { rowsPerSecond } = await this.#remote.do('multiRowCommits', options);
      const key = `${rows} × ${connections}`;
      this.#rowsPerSecond.set(key, [...(this.#rowsPerSecond.get(key) ?? []), rowsPerSecond]);
    }
  }

  /** A commit of one row, on one connection. */
  get singleRowMs(): number {
    return median(this.#singleRowMs);
  }

  /** The best of a few sizes of statements and numbers of connections. */
  get rowsPerSecond(): number {
    return Math.max(...[...this.#rowsPerSecond.values()].map(median));
  }

  close(): Promise<void> {
    return this.#remote.close();
  }
}
