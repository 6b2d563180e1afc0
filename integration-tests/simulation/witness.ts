import { WorkflowTimeoutError } from '@perdure/core';
import type { Storage } from './storage.js';
import { longestWayMs } from './weather.js';
import type { SimulatedProcess } from './simulated-process.js';
import { concurrencyOf } from './program.js';
import type { World } from './world.js';
import type { Surroundings } from './workflows.js';

/** Sees what happens while it happens, and says what must not. */
export class Witness {
  readonly violations: string[] = [];
  readonly #world: World;
  readonly #storage: Storage;
  readonly #asleepSince = new Map<string, number>();
  readonly #begun = new Map<string, string>();

  constructor(world: World, storage: Storage) {
    this.#world = world;
    this.#storage = storage;
  }

  accuse(what: string): void {
    this.violations.push(`${this.#world.nowMs} ms: ${what}`);
  }

  around(process: SimulatedProcess): Surroundings {
    const world = this.#world;
    return {
      table: this.#storage.table,
      begins: (key) => this.#begins(process, key),
      takes: (ms) => new Promise((resolve) => void world.schedule(ms, process, 'body', resolve)),
      fallsAsleep: (path) => {
        if (!this.#asleepSince.has(path)) this.#asleepSince.set(path, world.nowMs);
      },
      wakes: (path, ms) => {
        const sleptMs = world.nowMs - this.#asleepSince.get(path)!;
        // Processes know the database's time as well as its answers tell.
        if (sleptMs < ms - longestWayMs) this.accuse(`${path} slept ${sleptMs} ms of ${ms}`);
      },
      isShown: (error) => {
        // A child may find out before its parent that there is no time left.
        if (!process.isDead && !(error instanceof WorkflowTimeoutError))
          this.accuse(`user code was shown ${String(error)}`);
      },
    };
  }

  /** Called when a statement has taken effect. */
  sees(name: string): void {
    if (name === 'claims_take') this.#world.afterThisEvent(() => this.#checkQueues());
  }

  /** Whoever executes a step owns its run, and nobody has its result yet. */
  #begins(
    process: SimulatedProcess,
    { workflowId, seq, attempt }: { readonly workflowId: string; readonly seq: number; readonly attempt: number },
  ): void {
    const executorId = process.perdure?.executorId ?? null;
    const what = `${workflowId} #${seq}, try ${attempt}`;
    this.#world.trace(`${process.name} begins ${what}`);
    const key = `${executorId} ${what}`;
    if (executorId !== null && this.#begun.has(key)) this.accuse(`${process.name} began ${what} twice`);
    this.#begun.set(key, process.name);
    this.#world.afterThisEvent(async () => {
      const [run] = await this.#storage.rows<{ state: string; executor_id: string | null; is_recorded: boolean }>(
        `select r.state, r.executor_id::text, exists (
           select from ${this.#storage.schema}.checkpoints c
           where c.workflow_id = r.workflow_id and c.seq = $2::int4 and c.kind = 'step'
         ) as is_recorded
         from ${this.#storage.schema}.runs r where r.workflow_id = $1::text`,
        [workflowId, seq],
      );
      if (run === undefined) return this.accuse(`${what} began in a run that is not there`);
      if (run.is_recorded) this.accuse(`${process.name} began ${what}, whose result was recorded`);
      if (run.state !== 'owned' || (executorId !== null && run.executor_id !== executorId)) {
        this.accuse(`${process.name} began ${what} of a run that is ${run.state}, of ${run.executor_id}`);
      }
    });
  }

  async #checkQueues(): Promise<void> {
    const running = await this.#storage.rows<{ queue: string; count: number }>(
      `select queue, count(*)::int4 as count from ${this.#storage.schema}.queue_items where state = 'running' group by queue`,
    );
    for (const { queue, count } of running) {
      const limit = concurrencyOf[queue as keyof typeof concurrencyOf];
      if (count > limit) this.accuse(`${count} items of ${queue} run at once, of ${limit}`);
    }
  }
}
