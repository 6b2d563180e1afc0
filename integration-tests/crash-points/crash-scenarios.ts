import { currentRun, type Perdure, step, workflow } from '@perdure/core';
import { scenarios } from '../support/scenarios.js';
import type { CrashPoint } from './crash-database.js';
import type { ProcessLedger } from './process-ledger.js';

type Definition = ReturnType<typeof workflow<[], unknown>>;

/** What one process of a scenario works with. */
export interface CrashEngine {
  readonly perdure: Perdure;
  readonly definitions: readonly Definition[];
  readonly workflowId: string;
  readonly ledger: ProcessLedger;
  /** Lets virtual time pass. */
  readonly advance: (ms: number) => void;
}

export interface CrashScenario {
  readonly name: string;
  /** Where the processes died that came before the one whose crash points are tried. */
  readonly prelude?: readonly CrashPoint[];
  /** Replies that the network loses while that process lives on. */
  readonly loses?: (name: string, nth: number) => boolean;
  /** Each process defines its workflows itself. */
  readonly define: (ledger: ProcessLedger, table: string) => Definition[];
  /** What a client of a process does; after a crash, it does the same again. Resolves with the ending of the run. */
  readonly drive: (engine: CrashEngine) => Promise<unknown>;
  readonly expected: unknown;
  /** How many rows transactional steps leave behind; 0 by default. */
  readonly rows?: number;
  /** In a schema of its own each time, for what happens to a schema. */
  readonly isFresh?: boolean;
}

const crashedAfterFirstCheckpoint: CrashPoint = { name: 'flush_new', nth: 2, mode: 'after' };

/** What a drive answers with when the run is to end in the next process. */
export const handedOver = Symbol('handed over');

/** Twelve and more: those of the engine, and what besides sends a statement of its own. */
export function crashScenarios(): CrashScenario[] {
  const plain = scenarios({ begun: [], ended: [] }).map(({ name, expected }): CrashScenario => ({
    name,
    expected,
    define: (ledger) => {
      const scenario = scenarios(ledger).find((candidate) => candidate.name === name);
      return [...(scenario?.definitions ?? [])];
    },
    drive: startAndWait,
  }));
  return [...plain, ...special];
}

const special: CrashScenario[] = [
  {
    name: 'takeover',
    prelude: [crashedAfterFirstCheckpoint],
    define: (ledger) => [workflow('crash: takeover', () => threeSteps(ledger))],
    drive: startAndWait,
    expected: [1, 2, 3],
  },
  {
    name: 'cancelled',
    define: (ledger) => [workflow('crash: cancelled', () => waitForever(ledger))],
    drive: cancelWhileWaiting,
    expected: 'PERDURE_CANCELLED',
  },
  {
    name: 'compensated',
    define: (ledger) => [
      workflow(
        'crash: compensated',
        async () => {
          await noted(ledger, 'reserve', () => 1);
          try {
            return await waitForever(ledger);
          } finally {
            await noted(ledger, 'release', () => 2);
          }
        },
        { onCancel: 'throw' },
      ),
    ],
    drive: cancelWhileWaiting,
    expected: 'PERDURE_CANCELLED',
  },
  {
    name: 'timed out',
    define: (ledger) => [
      workflow(
        'crash: timed out',
        async () => {
          await noted(ledger, 'first', () => 1);
          // Virtual time passes only while no step runs.
          await new Promise(() => {});
        },
        { timeout: '1h' },
      ),
    ],
    drive: startAndWait,
    expected: 'PERDURE_WORKFLOW_TIMEOUT',
  },
  {
    name: 'retried as a whole',
    define: (ledger) => [
      workflow(
        'crash: retried',
        async () => {
          const key = await noted(ledger, 'try', () => currentRun()?.idempotencyKey ?? '');
          if (!key.includes(':r2:')) throw new Error('not yet');
          return 'third time';
        },
        { retries: 2, backoff: { initial: '5s' } },
      ),
    ],
    drive: startAndWait,
    expected: 'third time',
  },
  {
    name: 'transactional',
    define: (ledger, table) => [
      workflow('crash: transactional', async () => {
        for (const id of [1, 2]) {
          await step.transaction('insert', async (tx) => {
            note(ledger);
            await tx.query(`insert into ${table} (id, workflow_id) values ($1, $2)`, [id, currentRun()?.workflowId]);
          });
        }
        return await noted(ledger, 'after', () => 'inserted');
      }),
    ],
    drive: startAndWait,
    expected: 'inserted',
    rows: 2,
  },
  {
    name: 'transactional, with COMMIT’s reply lost',
    loses: (name, nth) => name === 'commit' && nth === 1,
    define: (ledger, table) => [
      workflow('crash: in doubt', () =>
        step.transaction('insert', async (tx) => {
          note(ledger);
          await tx.query(`insert into ${table} (id, workflow_id) values (1, $1)`, [currentRun()?.workflowId]);
          return 'inserted';
        }),
      ),
    ],
    drive: startAndWait,
    expected: 'inserted',
    rows: 1,
  },
  {
    name: 'started in a transaction, twice',
    define: (ledger, table) => {
      const mail = workflow('crash: mail', () => noted(ledger, 'send', () => 'sent'));
      const order = workflow('crash: order', async () => {
        const workflowId = `${currentRun()?.workflowId}-mail`;
        await step.transaction('insert', async (tx) => {
          note(ledger);
          await tx.query(`insert into ${table} (id, workflow_id) values (1, $1)`, [currentRun()?.workflowId]);
          await mail.with({ workflowId }).start();
          await mail.with({ workflowId }).start();
        });
        return workflowId;
      });
      return [order, mail];
    },
    async drive(engine) {
      const workflowId = await startAndWait(engine);
      return await engine.perdure.run(String(workflowId)).result();
    },
    expected: 'sent',
    rows: 1,
  },
  {
    name: 'lost replies',
    prelude: [crashedAfterFirstCheckpoint],
    loses: (name, nth) => ['flush_new', 'ownership_claim'].includes(name) && nth === 1,
    define: (ledger) => [workflow('crash: lost replies', () => threeSteps(ledger))],
    drive: startAndWait,
    expected: [1, 2, 3],
  },
  {
    name: 'a start whose reply is lost',
    loses: (name, nth) => name === 'flush_new' && nth === 1,
    define: (ledger) => [workflow('crash: lost start', () => threeSteps(ledger))],
    drive: startAndWait,
    expected: [1, 2, 3],
  },
  {
    name: 'handed over',
    define: (ledger) => [workflow('crash: handed over', () => threeSteps(ledger))],
    async drive(engine) {
      const { perdure, ledger } = engine;
      const run = await start(engine);
      if (ledger.process > 0) return await run.result();
      await ledger.whenBegun('step 1');
      await perdure.shutdown({ drainMs: 1_000 });
      return handedOver;
    },
    expected: [1, 2, 3],
  },
  {
    name: 'blocked by other code, and taken by the right one',
    prelude: [crashedAfterFirstCheckpoint],
    define: (ledger) => [
      ledger.process === 1
        ? workflow('crash: blocked', () => noted(ledger, 'other', () => []), { version: '1' })
        : workflow('crash: blocked', () => threeSteps(ledger), { version: '1' }),
    ],
    async drive(engine) {
      const run = await start(engine);
      if (engine.ledger.process !== 1) return await run.result();
      while ((await run.status()).status !== 'blocked') await new Promise((resolve) => setImmediate(resolve));
      return handedOver;
    },
    expected: [1, 2, 3],
  },
  {
    name: 'a suspect on trial',
    prelude: [
      { name: 'flush_new', nth: 1, mode: 'after' },
      { name: 'runs_load_histories', nth: 1, mode: 'after' },
    ],
    define: (ledger) => [
      workflow('crash: suspect', () =>
        noted(ledger, 'long', async () => {
          if (ledger.process === 2) await ledger.gate;
          return 'acquitted';
        }),
      ),
    ],
    async drive(engine) {
      const { ledger, advance } = engine;
      const run = await start(engine);
      if (ledger.process === 2) {
        await ledger.whenBegun('long');
        advance(16_000);
        ledger.openGate();
      }
      return await run.result();
    },
    expected: 'acquitted',
  },
  {
    name: 'awaited from another process',
    define: (ledger) => [workflow('crash: awaited', () => threeSteps(ledger))],
    async drive(engine) {
      await start(engine);
      const asked = engine.perdure.run(`${engine.workflowId}-unknown`);
      const [result] = await Promise.all([
        engine.perdure.run(engine.workflowId).result(),
        asked.result().catch(() => {}),
      ]);
      return result;
    },
    expected: [1, 2, 3],
  },
  {
    name: 'a new schema',
    isFresh: true,
    define: (ledger) => [workflow('crash: schema', () => threeSteps(ledger))],
    drive: startAndWait,
    expected: [1, 2, 3],
  },
];

async function noted<T>(ledger: ProcessLedger, name: string, body: () => T | Promise<T>): Promise<T> {
  return await step.run(name, async () => {
    note(ledger);
    return await body();
  });
}

function note(ledger: ProcessLedger): void {
  const run = currentRun();
  ledger.note(run?.step?.name ?? '', run?.idempotencyKey ?? 'outside');
}

async function threeSteps(ledger: ProcessLedger): Promise<number[]> {
  const results: number[] = [];
  for (const n of [1, 2, 3]) results.push(await noted(ledger, `step ${n}`, () => n));
  return results;
}

async function waitForever(ledger: ProcessLedger): Promise<unknown> {
  return await noted(ledger, 'wait', async () => {
    await new Promise((_, reject) =>
      currentRun()?.signal.addEventListener('abort', () => reject(new Error('aborted'))),
    );
  });
}

async function start(engine: CrashEngine) {
  const [definition] = engine.definitions;
  if (definition === undefined) throw new Error('a scenario has a workflow');
  return await definition.with({ workflowId: engine.workflowId, engine: engine.perdure }).start();
}

async function startAndWait(engine: CrashEngine): Promise<unknown> {
  return await (await start(engine)).result();
}

async function cancelWhileWaiting(engine: CrashEngine): Promise<unknown> {
  const run = await start(engine);
  const result = run.result();
  await Promise.race([engine.ledger.whenBegun('wait'), result.catch(() => {})]);
  await run.cancel();
  return await result;
}
