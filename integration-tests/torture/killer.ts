import { setTimeout as wait } from 'node:timers/promises';
import { type VersionAdmin, VersionNotFoundError } from '@perdure/core';
import type pg from 'pg';
import type { FaultProxy } from '../faults/fault-proxy.js';
import type { PostgresServer } from '../support/postgres-server.js';
import type { Fleet } from './fleet.js';
import { Dice } from './generate.js';
import type { PlannedFault } from './plan.js';

export interface KillerOptions {
  readonly seed: string;
  readonly fleet: Fleet;
  readonly server: PostgresServer;
  readonly proxy: FaultProxy;
  readonly admin: pg.Pool;
  readonly leaseMs: number;
  readonly promote: Pick<VersionAdmin, 'promote'>;
}

/** Does to processes and to the database what was planned. */
export class Killer {
  readonly #options: KillerOptions;
  readonly #dice: Dice;
  /** Faults that take their time, each of a kind that comes about one at a time. */
  #restarting: Promise<void> = Promise.resolve();
  #deploying: Promise<void> = Promise.resolve();

  constructor(options: KillerOptions) {
    this.#options = options;
    this.#dice = new Dice(`${options.seed} targets`);
  }

  /** Resolves when all of it has been done, and Postgres is up. */
  async run(plan: readonly PlannedFault[], onProgress: (done: number, planned: number) => void): Promise<void> {
    const since = performance.now();
    for (const [done, fault] of plan.entries()) {
      await wait(Math.max(0, fault.atMs - (performance.now() - since)));
      this.#do(fault.kind);
      if (done % 50 === 49) onProgress(done + 1, plan.length);
    }
    await this.#restarting;
    await this.#deploying;
  }

  #do(kind: PlannedFault['kind']): void {
    const { fleet, proxy, leaseMs } = this.#options;
    const target = fleet.targets.length === 0 ? '' : this.#dice.one(fleet.targets);
    switch (kind) {
      case 'kill':
        fleet.kill(target);
        return;
      case 'pause':
        fleet.pause(target, leaseMs * (1.5 + this.#dice.float()));
        return;
      case 'term':
        fleet.dismiss(target);
        return;
      case 'cut':
        fleet.note('cut');
        proxy.reset();
        return;
      case 'terminate':
        fleet.note('terminate', target);
        void this.#terminate(target);
        return;
      case 'restart': {
        const downMs = this.#dice.float() < 0.5 ? 0 : this.#dice.between(100, 1_500);
        this.#restarting = this.#restarting.then(() => this.#restart(downMs));
        return;
      }
      case 'deploy':
        this.#deploying = this.#deploying.then(() => this.#deploy());
        return;
    }
  }

  /** Ends the connections of a process, one or all. */
  async #terminate(label: string): Promise<void> {
    const text = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and random() < $2`;
    // The database may be down just then.
    await this.#options.admin.query(text, [label, this.#dice.float() < 0.5 ? 1 : 0.3]).catch(() => {});
  }

  async #restart(downMs: number): Promise<void> {
    const { fleet, server } = this.#options;
    fleet.note('outage');
    await server.stopImmediately();
    await wait(downMs);
    await server.startAgain();
    fleet.note('back');
  }

  async #deploy(): Promise<void> {
    const { fleet, promote } = this.#options;
    await fleet.deploy();
    for (;;) {
      try {
        await promote.promote('program', fleet.build);
        return;
      } catch (error) {
        // Each process that had the new build may have died before it could say so.
        if (!(error instanceof VersionNotFoundError)) throw error;
        await wait(100);
      }
    }
  }
}
