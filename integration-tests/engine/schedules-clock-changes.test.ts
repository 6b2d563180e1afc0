import { type Perdure, type Slot, step, workflow } from '@perdure/core';
import { crash, type Database, launch, postgres, type Row, type Statement } from '@perdure/core/internal';
import { VirtualClock } from '@perdure/testing';
import { expect, it, onTestFinished } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';
import { laneOptions } from '../support/lanes.js';
import { passOn } from '../support/pass-on.js';

interface Change {
  readonly change: string;
  readonly timeZone: string;
  /** The day around it. */
  readonly from: string;
  /** The slots of that day, by the pattern: for each, the hours and minutes in UTC. */
  readonly slots: Readonly<Record<string, readonly string[]>>;
}

const { open } = databases.find(({ name }) => name === 'postgres')!;

/** Each hour that there is, from noon to noon. */
const hourly = Array.from({ length: 24 }, (_, no) => `${String((12 + no) % 24).padStart(2, '0')}:00`);

const changes: readonly Change[] = [
  {
    change: '02:00 becomes 03:00 in Berlin', // at 01:00 UTC
    timeZone: 'Europe/Berlin',
    from: '2030-03-30T12:00:00Z',
    slots: {
      '30 2 * * *': ['01:00'],
      '0 2,3 * * *': ['01:00'],
      '0 3 * * *': ['01:00'],
      '*/30 1-3 * * *': ['00:00', '00:30', '01:00', '01:30'],
      '0 * * * *': hourly,
    },
  },
  {
    change: '03:00 becomes 02:00 in Berlin', // at 01:00 UTC
    timeZone: 'Europe/Berlin',
    from: '2030-10-26T12:00:00Z',
    slots: {
      '30 2 * * *': ['00:30'],
      '0 2,3 * * *': ['00:00', '02:00'],
      '*/30 1-3 * * *': ['23:00', '23:30', '00:00', '00:30', '01:00', '01:30', '02:00', '02:30'],
      '0 * * * *': hourly,
    },
  },
  {
    change: '02:00 becomes 03:00 in New York', // at 07:00 UTC
    timeZone: 'America/New_York',
    from: '2030-03-09T12:00:00Z',
    slots: { '30 2 * * *': ['07:00'], '15 1 * * *': ['06:15'], '0 4 * * SUN': ['08:00'], '0 * * * *': hourly },
  },
  {
    change: '02:00 becomes 01:00 in New York', // at 06:00 UTC
    timeZone: 'America/New_York',
    from: '2030-11-02T12:00:00Z',
    slots: { '30 1 * * *': ['05:30'], '15 2 * * *': ['07:15'], '0 * * * *': hourly },
  },
  {
    change: '02:00 becomes 02:30 on Lord Howe Island', // at 15:30 UTC
    timeZone: 'Australia/Lord_Howe',
    from: '2030-10-05T12:00:00Z',
    slots: { '15 2 * * *': ['15:30'], '0 3 * * *': ['16:00'], '*/15 2 * * *': ['15:30', '15:45'] },
  },
  {
    change: '02:00 becomes 01:30 on Lord Howe Island', // at 15:00 UTC
    timeZone: 'Australia/Lord_Howe',
    from: '2030-04-06T12:00:00Z',
    slots: { '45 1 * * *': ['14:45'], '15 1 * * *': ['14:15'], '0 3 * * *': ['16:30'] },
  },
];

it.each(changes)('each slot fires once in two processes when $change', async ({ timeZone, from, slots }) => {
  const test = await freshDatabase(open);
  const begun: string[] = [];
  const tick = workflow('tick', async ({ schedule, at }: Slot) => {
    await step.run('note', () => void begun.push(`${schedule} at ${at.toISOString()}`));
  });
  const clock = new VirtualClock();
  onTestFinished(() => clock.stop());
  const since = new Date(from);
  // Long before: while the processes are launched, background timers may let time pass.
  clock.advance(since.getTime() - 3_600_000 - clock.now());
  const processes = [await launchProcess(test, clock, tick), await launchProcess(test, clock, tick)];
  const { schedules } = processes[0]!;
  const until = new Date(since.getTime() + 24 * 3_600_000);
  for (const cron of Object.keys(slots)) {
    await schedules.set(cron, { timing: { cron, timeZone }, workflow: tick, from: since, until });
  }

  const nextSlotAt = async (): Promise<number> =>
    Math.min(...(await schedules.list()).map(({ nextSlotAt: at }) => at ?? Infinity));
  for (let next = await nextSlotAt(); next !== Infinity; next = await nextSlotAt()) {
    clock.advance(Math.max(0, next - clock.now()));
    await expect.poll(nextSlotAt).toBeGreaterThan(next);
  }

  const expected = Object.entries(slots).flatMap(([cron, times]) =>
    times.map((time) => `${cron}@${dated(time, since)}`),
  );
  const fired = await runsOf(test);
  expect(fired.map(({ id }) => id)).toEqual(expected.toSorted());
  expect(fired.filter(({ id, createdAt }) => createdAt < Date.parse(id.slice(id.indexOf('@') + 1)))).toEqual([]);
  await Promise.all(expected.map((id, no) => processes[no % 2]!.run(id).result()));
  expect(begun.toSorted()).toEqual(expected.map((id) => id.replace('@', ' at ')).toSorted());
  expect((await schedules.list()).map(({ missed, skipped }) => [missed, skipped])).toEqual(
    Object.keys(slots).map(() => [0, 0]),
  );
});

/** That time of day, in UTC, within the 24 hours from noon on. */
function dated(time: string, since: Date): string {
  const at = new Date(`${since.toISOString().slice(0, 10)}T${time}:00Z`);
  return new Date(at < since ? at.getTime() + 24 * 3_600_000 : at).toISOString();
}

async function runsOf(test: TestDatabase): Promise<{ readonly id: string; readonly createdAt: number }[]> {
  const text = `
    select workflow_id as id, extract(epoch from created_at)::float8 * 1000 as "createdAt" from "${test.schema}".runs
    order by workflow_id collate "C"`;
  return await test.database.query({ name: `runs ${test.schema}`, text, values: [] });
}

async function launchProcess(
  test: TestDatabase,
  clock: VirtualClock,
  tick: ReturnType<typeof workflow<[Slot], void>>,
): Promise<Perdure> {
  const database = postgres({ url: test.url! });
  const perdure = await launch({
    ...laneOptions,
    database: held(database, clock),
    schema: test.schema,
    workflows: [tick],
    clock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  onTestFinished(async () => {
    await perdure[crash]();
    await database.close();
  });
  return perdure;
}

/** Time stands still while a statement is under way. */
function held(database: Database, clock: VirtualClock): Database {
  const hold = async <T>(work: () => Promise<T>): Promise<T> => {
    const { release } = clock.hold();
    try {
      return await work();
    } finally {
      release();
    }
  };
  return {
    ...passOn(database),
    query: <R extends Row>(statement: Statement) => hold(() => database.query<R>(statement)),
    transaction: (work) => hold(() => database.transaction(work)),
  };
}
