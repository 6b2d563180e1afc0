import { readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../packages/core/src/util/seeded-random.js';
import { migrate } from '@perdure/core/internal';
import { databases, type TestDatabase } from '../support/databases.js';
import type { CrashPoint } from './crash-database.js';
import { liveAndDie } from './killed-process.js';
import { type CrashSite, runScenario, tableOf } from './crash-run.js';
import { type CrashScenario, crashScenarios } from './crash-scenarios.js';

/**
 * `npm run crash-points` tries every statement in every mode, each followed by every second crash. Without it, each first
 * crash is followed by one that is drawn, and on PGlite, which is slow, the mode is drawn too.
 */
const isLong = process.env['CRASH_POINTS'] === 'all';
const modes = ['before', 'lost', 'after'] as const;
const scenarios = crashScenarios();
/** The statements that a process died at, by name. */
const exercised = new Set<string>();
const counts = { points: 0, crashes: 0, unmet: 0, kills: 0 };

describe.each(databases)('a process that dies at any statement, on $name', ({ name: kind, open }) => {
  let opened: TestDatabase;
  let site: CrashSite;
  beforeAll(async () => {
    opened = await open();
    site = await prepare(opened);
    await migrate(opened.database, opened.schema);
  });
  afterAll(() => opened.dispose());

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '"%s" ends as it would have, and repeats nothing that is recorded',
    async (_, scenario) => {
      const random = new SeededRandom(`${kind} ${scenario.name}`);
      const place = scenario.isFresh === true ? () => withFreshSite(open) : async () => ({ site, end: async () => {} });
      const whole = await at(place, scenario, []);
      expect(whole.ending).toEqual(scenario.expected);
      const examined = scenario.prelude?.length ?? 0;
      for (const point of pointsOf(whole.sent[examined])) {
        if (!isLong && kind === 'pglite' && random.float() > 1 / modes.length) continue;
        const once = await at(place, scenario, [point]);
        if (once.met.length === examined) continue;
        const seconds = pointsOf(once.sent[examined + 1]);
        const drawn = seconds[Math.floor(random.float() * seconds.length)];
        const tried = isLong ? seconds : drawn === undefined ? [] : [drawn];
        for (const second of tried) await at(place, scenario, [point, second]);
      }
    },
    isLong ? 3_600_000 : 240_000,
  );
});

describe('a process that is killed with SIGKILL at a statement', () => {
  it.runIf(isLong)('leaves a run that ends as it would have', { timeout: 3_600_000 }, async () => {
    const [{ open }] = databases as readonly [(typeof databases)[number]];
    const opened = await open();
    const site = await prepare(opened);
    await migrate(opened.database, opened.schema);
    const killed = scenarios.filter(({ name }) => ['sequential', 'chains', 'parent', 'transactional'].includes(name));
    const random = new SeededRandom('killed');
    let kills = 0;
    for (const scenario of killed) {
      const [sent] = (await runScenario(scenario, site, [])).sent;
      for (const point of pointsOf(sent)) {
        if (random.float() > 0.1) continue;
        const report = await runScenario(scenario, site, [point], { kill: liveAndDie(opened.url ?? '') });
        const where = `${scenario.name}, killed at ${JSON.stringify(point)}`;
        expect(report.ending, where).toEqual(scenario.expected);
        expect(report.repeated, where).toEqual([]);
        expect(report.rows, where).toBe(scenario.rows ?? 0);
        kills += report.met.length;
      }
    }
    await opened.dispose();
    counts.kills = kills;
    expect(kills).toBeGreaterThanOrEqual(20);
  });
});

describe('the crash points', () => {
  it('are those of every statement that the store has', async () => {
    const missing = (await statementNames()).filter((name) => !exercised.has(name));
    expect(missing).toEqual([]);
    // A statement that is sent about when the run ends may come too late in another run.
    expect(counts.unmet).toBeLessThan(counts.points / 10);
    const report = process.env['CRASH_POINTS_REPORT'];
    if (report !== undefined) await writeFile(report, JSON.stringify({ ...counts, statements: [...exercised] }));
  });
});

async function prepare({ database, schema }: TestDatabase): Promise<CrashSite> {
  const site = { database, schema, nowMs: Date.UTC(2030, 0, 1) };
  await database.script(
    `create schema if not exists "${schema}_data"; create table ${tableOf(site)} (id int, workflow_id text, primary key (workflow_id, id))`,
  );
  return site;
}

async function withFreshSite(
  open: () => Promise<TestDatabase>,
): Promise<{ site: CrashSite; end: () => Promise<void> }> {
  const fresh = await open();
  const site = await prepare(fresh);
  const end = async (): Promise<void> => {
    await fresh.database.script(`drop schema "${fresh.schema}_data" cascade`);
    await fresh.dispose();
  };
  return { site, end };
}

/** Runs a scenario through these crashes and checks what came of it. */
async function at(
  place: () => Promise<{ site: CrashSite; end: () => Promise<void> }>,
  scenario: CrashScenario,
  points: readonly CrashPoint[],
) {
  const { site, end } = await place();
  const report = await runScenario(scenario, site, points);
  await end();
  const where = `${scenario.name}, crashed at ${JSON.stringify(points)}`;
  expect(report.ending, where).toEqual(scenario.expected);
  expect(report.repeated, where).toEqual([]);
  expect(report.rows, where).toBe(scenario.rows ?? 0);
  counts.points += 1;
  counts.crashes += report.met.length;
  for (const [key, times] of report.begun) {
    // A retry policy may try it three times; besides, each crash may have interrupted it once.
    expect(times, `${where}: ${key}`).toBeLessThanOrEqual(3 + report.met.length);
  }
  const met = report.met.slice(scenario.prelude?.length ?? 0);
  if (met.length < points.length) counts.unmet += 1;
  for (const point of met) exercised.add(point.name);
  return report;
}

function pointsOf(sent: ReadonlyMap<string, number> = new Map()): CrashPoint[] {
  const points: CrashPoint[] = [];
  for (const [name, count] of sent) {
    for (let nth = 1; nth <= count; nth += 1) for (const mode of modes) points.push({ name, nth, mode });
  }
  return points;
}

/** Read from the source, so that a new statement is found whether or not a scenario sends it. */
async function statementNames(): Promise<string[]> {
  const folder = new URL('../../packages/core/src/store/', import.meta.url);
  const names = new Set(['begin', 'commit', 'script']);
  for (const file of (await readdir(folder)).filter((entry) => entry.endsWith('.ts'))) {
    const source = await readFile(new URL(file, folder), 'utf8');
    for (const [, inStore, whole] of source.matchAll(
      /statementName\(['`](\w+?)(?:_\$\{.*)?['`]\)|name: ['`]perdure_(\w+?)(?:_\$\{.*)?['`]/g,
    )) {
      names.add(inStore ?? whole ?? '');
    }
  }
  return [...names].flatMap((name) => (name === 'flush' ? ['flush_new', 'flush_missing'] : [name]));
}
