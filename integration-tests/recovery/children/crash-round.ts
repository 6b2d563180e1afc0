/**
 * One round of `sigkill-every-checkpoint.test.ts`: runs each case until so many things of it are durable that its time has
 * come, and kills itself.
 *
 * Each case has an engine of its own, so that all of them can be stopped at their own moment and die together: an engine
 * whose moment has come never hears that its last write succeeded.
 */
import { embedded, type Perdure, postgres } from '@perdure/core';
import { launch, type LogItem } from '@perdure/core/internal';
import { laneOptions } from '../../support/lanes.js';
import type { CrashRound, RoundEnd, RoundReport } from '../crash-rounds.js';
import { type CrashCase, crashCases } from './crash-workflows.js';
import { LedgerWriter } from './ledger-writer.js';

const { target, schema, ledger, point, mode, unfinished } = JSON.parse(process.argv[2]!) as CrashRound;
process.once('disconnect', () => process.exit(1));
const say = (report: RoundReport): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(report, () => resolve());
  });

const database = target.kind === 'postgres' ? postgres({ url: target.url }) : embedded({ folder: target.folder });
const cases = crashCases(new LedgerWriter(ledger, `round ${point}`));
const idOf = ({ name }: CrashCase, no: number): string => (mode === 'same run' ? name : `${name}-${no}`);

await say({ kind: 'found', steps: await recordedSteps() });
await endLeases();
const isCounting = { now: mode === 'same run' };
const running = await Promise.all(cases.map(launchFor));
const recovered = await Promise.all(
  running.map(async ({ testCase, perdure }) => {
    if (mode === 'same run' || !unfinished.includes(testCase.name)) return [];
    return [
      {
        name: testCase.name,
        result: await perdure.run(idOf(testCase, point - 1)).result(),
        expected: testCase.expected,
      },
    ];
  }),
);
isCounting.now = true;
const ends = await Promise.all(running.map(untilStopped));
await say({
  kind: 'ended',
  results: [...recovered.flat(), ...ends.filter((end) => 'result' in end)],
  stopped: ends.flatMap((end) => ('result' in end ? [] : [end.name])),
});
process.kill(process.pid, 'SIGKILL');

interface Running {
  readonly testCase: CrashCase;
  readonly perdure: Perdure;
  readonly stopped: Promise<void>;
}

async function launchFor(testCase: CrashCase): Promise<Running> {
  let durable = 0;
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const afterFlush = async (items: readonly LogItem[]): Promise<void> => {
    if (!isCounting.now) return;
    // A parent that is replayed asks for its child once more, which makes nothing durable.
    durable += items.filter(({ kind }) => mode === 'new runs' || kind !== 'start').length;
    if (durable < (mode === 'same run' ? 1 : point)) return;
    stop();
    await new Promise(() => {});
  };
  const { workflows } = testCase;
  // One item for each commit, so that every item is a point to crash at. No lease lapses while the others still run.
  const perdure = await launch({
    database,
    schema,
    workflows,
    afterFlush,
    flushItemsMax: 1,
    lease: '60s',
    poll: 200,
    ...laneOptions,
  });
  return { testCase, perdure, stopped };
}

async function untilStopped({ testCase, perdure, stopped }: Running): Promise<RoundEnd> {
  const { name, expected } = testCase;
  const finished = async (): Promise<RoundEnd> => {
    const workflowId = idOf(testCase, point);
    const isNew = mode === 'new runs' || point === 1;
    if (isNew) await testCase.workflows[0]!.with({ workflowId, engine: perdure }).start();
    return { name, result: await perdure.run(workflowId).result(), expected };
  };
  return await Promise.race([stopped.then(() => ({ name })), finished()]);
}

/** The steps in all histories, read before any engine runs: what the process that died had recorded. */
async function recordedSteps(): Promise<{ key: string; kind: string }[]> {
  const [table] = await database.query<{ name: string | null }>({
    name: 'has_checkpoints',
    text: `select to_regclass('${schema}.checkpoints')::text as name`,
    values: [],
  });
  if (table?.name == null) return [];
  return await database.query<{ key: string; kind: string }>({
    name: 'recorded_steps',
    text: `select workflow_id || ':' || seq as key, kind from ${schema}.checkpoints where kind in ('step', 'attempt')`,
    values: [],
  });
}

/** What a lease does is shown elsewhere; here its time passes at once. */
async function endLeases(): Promise<void> {
  const [table] = await database.query<{ name: string | null }>({
    name: 'has_executors',
    text: `select to_regclass('${schema}.executors')::text as name`,
    values: [],
  });
  if (table?.name != null) await database.script(`update ${schema}.leases set lease_until = clock_timestamp()`);
}
