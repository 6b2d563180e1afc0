import { type Perdure, currentRun, step, workflow } from '@perdure/core';
import { eventually } from '../recovery/eventually.js';
import type { TestDatabase } from '../support/databases.js';

/** Steps in each run: four in a row, then two side by side. */
const stepsInRun = 6;

/**
 * A steady load: so many runs at any time, and another one as soon as one ends. It keeps account of what its steps did
 * and of what its callers and its `catch` blocks were told.
 */
export class Load {
  readonly workflow = this.#define();
  readonly #begun = new Map<string, number>();
  readonly #caught: string[] = [];
  readonly #unexpected: unknown[] = [];
  readonly #callers: Promise<void>[] = [];
  #started = 0;
  #completed = 0;
  #isEnding = false;

  get completed(): number {
    return this.#completed;
  }

  get begun(): number {
    return this.#begun.size;
  }

  begin(perdure: Perdure, width: number): void {
    for (let caller = 0; caller < width; caller += 1) this.#callers.push(this.#call(perdure));
  }

  /** Waits until so many steps more have begun. */
  async stepsOn(count: number, deadlineMs?: number): Promise<void> {
    const enough = this.begun + count;
    await eventually(`${count} more steps begin`, () => this.begun >= enough, deadlineMs);
  }

  /** Waits until so many runs more have ended. */
  async runsOn(count: number, deadlineMs?: number): Promise<void> {
    const enough = this.#completed + count;
    await eventually(`${count} more runs end`, () => this.#completed >= enough, deadlineMs);
  }

  /** Starts nothing more, and resolves when everything that was started has ended. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#callers);
  }

  /**
   * What went wrong: a run without its one right result, a step that began or is recorded other than once, anything that
   * a caller or a `catch` block was told of.
   */
  async losses({ database, schema }: Pick<TestDatabase, 'database' | 'schema'>): Promise<string[]> {
    const [stored] = await database.query<Stored>({
      name: `stored ${schema}`,
      text: `
        select (select count(*)::int4 from ${schema}.runs) as runs,
          (select count(*)::int4 from ${schema}.outcomes where kind = 'completed') as outcomes,
          (select count(*)::int4 from ${schema}.checkpoints where kind = 'step') as steps,
          (select count(distinct (workflow_id, seq))::int4 from ${schema}.checkpoints where kind = 'step') as different,
          (select coalesce(max(attempt), 1) from ${schema}.runs) as attempts`,
      values: [],
    });
    const [runs, steps] = [this.#started, stepsInRun * this.#started];
    const wanted = { completed: runs, begun: steps, runs, outcomes: runs, steps, different: steps, attempts: 1 };
    const found = { completed: this.#completed, begun: this.begun, ...stored! };
    const keys = Object.keys(wanted) as (keyof typeof wanted)[];
    return [
      ...this.#unexpected.map((error) => `a caller was told: ${String(error)}`),
      ...this.#caught.map((error) => `a catch block was told: ${error}`),
      ...[...this.#begun].flatMap(([key, times]) => (times === 1 ? [] : [`${key} began ${times} times`])),
      ...keys.flatMap((key) => (found[key] === wanted[key] ? [] : [`${key}: ${found[key]} instead of ${wanted[key]}`])),
    ];
  }

  async #call(perdure: Perdure): Promise<void> {
    while (!this.#isEnding) {
      const no = ++this.#started;
      try {
        const result = await this.workflow.with({ workflowId: `run-${no}`, engine: perdure })(no);
        if (result === 2 * (no + 10) + 3) this.#completed += 1;
        else this.#unexpected.push(result);
      } catch (error) {
        this.#unexpected.push(error);
        return;
      }
    }
  }

  #define() {
    const add = step('add', async (a: number, b: number) => {
      const key = currentRun()!.idempotencyKey;
      this.#begun.set(key, (this.#begun.get(key) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return a + b;
    });
    const guarded = async <T>(wait: () => Promise<T>): Promise<T> => {
      try {
        return await wait();
      } catch (error) {
        this.#caught.push(String(error));
        throw error;
      }
    };
    return workflow('load', async (no: number) => {
      let sum = no;
      for (let n = 1; n <= 4; n += 1) sum = await guarded(() => add(sum, n));
      const [first, second] = await guarded(() => Promise.all([add(sum, 1), add(sum, 2)]));
      return first + second;
    });
  }
}

interface Stored extends Record<string, unknown> {
  readonly runs: number;
  readonly outcomes: number;
  readonly steps: number;
  readonly different: number;
  readonly attempts: number;
}
