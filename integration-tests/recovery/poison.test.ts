import { expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { eventually } from './eventually.js';
import type { Start, WorkerProcess } from './worker-process.js';

const [leaseMs, maxCrashes] = [800, 2];

it(
  'puts a run that kills its process to `dead` after maxCrashes + 1 tries, and none of those beside it',
  { timeout: 90_000 },
  async () => {
    const cluster = await Cluster.create();
    const supervisor = new Supervisor(cluster);
    try {
      await Promise.all([supervisor.keepAlive('A'), supervisor.keepAlive('B')]);
      // Processes die around them. The idle ones make no progress meanwhile, as the poison does.
      const busy = [0, 1, 2, 3].map((no): Start => ({ workflow: 'gated', workflowId: `busy-${no}`, args: [no, 1] }));
      const idle = [0, 1, 2, 3].map((no): Start => ({
        workflow: 'signed',
        workflowId: `idle-${no}`,
        args: ['middle'],
      }));
      const workflowIds = [...busy, ...idle].map((run) => run.workflowId);
      await supervisor.ask((worker) => worker.start(...busy, ...idle));
      await cluster.ledgerHas(8, 'a bystander waits at its gate', (line) => line.event === 'waits');
      await supervisor.ask((worker) =>
        worker.start({ workflow: 'poison', workflowId: 'poison', args: [] }).catch(() => {}),
      );
      await eventually('the poison has an outcome', () => hasOutcome(cluster, 'poison'), 45_000);

      expect(cluster.ledger.filter((line) => line.name === 'kill' && line.event === 'begin')).toHaveLength(
        maxCrashes + 1,
      );
      expect(supervisor.killed).toBe(maxCrashes + 1);
      const [poison] = await supervisor.ask((worker) => worker.statuses(['poison']));
      expect(poison).toMatchObject({ status: 'dead', attempt: maxCrashes + 1 });
      expect(poison!.crashes).toMatchObject([1, 2, 3].map((attempt) => ({ attempt, checkpoints: 1 })));
      expect(new Set(poison!.crashes.map((crash) => crash.executorId)).size).toBe(maxCrashes + 1);
      for (const { at } of poison!.crashes) expect(Date.parse(at)).toBeGreaterThan(0);
      expect(await supervisor.ask((worker) => worker.ends(['poison']))).toEqual([{ code: 'PERDURE_RUN_DEAD' }]);

      const dead = (await supervisor.ask((worker) => worker.statuses(workflowIds))).filter(
        (run) => run.status === 'dead',
      );
      expect(dead).toEqual([]);
      // Those that are suspected for no reason are cleared, although they still make no progress.
      await eventually('no idle run is a suspect', async () => (await suspects(cluster)).length === 0);
      cluster.open('middle');
      expect(await supervisor.ask((worker) => worker.ends(workflowIds))).toEqual([
        ...busy.map((_, no) => ({ value: [no + 15, 12] })),
        ...idle.map(() => ({ value: { before: 2, by: expect.stringMatching(/^[AB]$/), after: 3 } })),
      ]);
      const statuses = await supervisor.ask((worker) => worker.statuses(workflowIds));
      expect(statuses.map(({ status }) => status)).toEqual(workflowIds.map(() => 'completed'));
      // They did sit in processes that died, or the test would show nothing.
      expect(statuses.filter(({ crashes }) => crashes.length > 0).length).toBeGreaterThan(0);
      expect(supervisor.killed).toBe(maxCrashes + 1);
    } finally {
      supervisor.retire();
    }
  },
);

async function hasOutcome(cluster: Cluster, workflowId: string): Promise<boolean> {
  const found = await cluster.sql(`select 1 from ${cluster.schema}.outcomes where workflow_id = $1`, [workflowId]);
  return found.length > 0;
}

async function suspects(cluster: Cluster): Promise<unknown[]> {
  return await cluster.sql(`select 1 from ${cluster.schema}.runs where crashes >= 2 and name = 'signed'`);
}

/** Starts a process again whenever it died, as a container platform would. */
class Supervisor {
  readonly #cluster: Cluster;
  readonly #alive = new Map<string, WorkerProcess>();
  #isRetired = false;
  killed = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async keepAlive(label: string): Promise<void> {
    const worker = await this.#cluster.launch(label, { leaseMs, maxCrashes });
    this.#alive.set(label, worker);
    void worker.exit.then(async ({ signal }) => {
      this.#alive.delete(label);
      if (this.#isRetired) return;
      if (signal === 'SIGKILL') this.killed += 1;
      // A start that fails shows as a process that is missing.
      await this.keepAlive(label).catch(() => {});
    });
  }

  /** Asks whichever process is alive. */
  async ask<T>(question: (worker: WorkerProcess) => Promise<T>): Promise<T> {
    return await question(await eventually('a process is alive', () => [...this.#alive.values()][0]));
  }

  retire(): void {
    this.#isRetired = true;
  }
}
