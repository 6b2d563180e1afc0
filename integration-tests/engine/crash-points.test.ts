import type { Perdure } from '@perdure/core';
import type { Database } from '@perdure/core/internal';
import { TestEngine } from '@perdure/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laneOptions } from '../support/lanes.js';
import { databases } from '../support/databases.js';
import { type Ledger, type Scenario, scenarios } from '../support/scenarios.js';

const names = scenarios({ begun: [], ended: [] }).map((scenario) => scenario.name);

/** A crash point is a checkpoint: everything up to it is stored, and nobody has heard of it. */
describe.each(databases)('after a crash at any checkpoint on $name', ({ open }) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.dispose());

  it.each(names)('"%s" ends as it would have, and repeats no recorded step', async (name) => {
    const { database, schema } = opened;
    const checkpoints = await measure(name, database, schema);
    expect(checkpoints).toBeGreaterThan(3);
    for (let point = 1; point <= checkpoints; point += 1) {
      await crashOnce(name, database, schema, point);
    }
  });

  it.each(names)('"%s" ends as it would have when it crashes after every checkpoint', async (name) => {
    const { database, schema } = opened;
    const { scenario, ledger } = scenarioOf(name);
    const workflowId = `${name}-every`;
    const test = await TestEngine.create({ ...laneOptions, database, schema, workflows: scenario.definitions });
    try {
      let crashed = test.crashAfter(1);
      await start(test, scenario, workflowId);
      for (let crashes = 0; ; crashes += 1) {
        const result = await Promise.race([resultOf(test.perdure, workflowId), crashed.then(() => 'crashed' as const)]);
        if (result !== 'crashed') {
          expect(result).toEqual(scenario.expected);
          expect(crashes).toBeGreaterThan(3);
          break;
        }
        await test.restart();
        crashed = test.crashAfter(1);
      }
      expect(ledger.begun.length).toBeGreaterThan(0);
    } finally {
      await test.close();
    }
  });
});

function scenarioOf(name: string): { scenario: Scenario; ledger: Ledger } {
  const ledger: Ledger = { begun: [], ended: [] };
  const scenario = scenarios(ledger).find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"`);
  return { scenario, ledger };
}

/** Runs a scenario without a crash and counts its checkpoints. */
async function measure(name: string, database: Database, schema: string): Promise<number> {
  const { scenario } = scenarioOf(name);
  const test = await TestEngine.create({ ...laneOptions, database, schema, workflows: scenario.definitions });
  try {
    expect(await resultOf(test.perdure, await start(test, scenario, `${name}-whole`))).toEqual(scenario.expected);
    return test.checkpoints;
  } finally {
    await test.close();
  }
}

async function crashOnce(name: string, database: Database, schema: string, point: number): Promise<void> {
  const { scenario, ledger } = scenarioOf(name);
  const workflowId = `${name}-${point}`;
  const test = await TestEngine.create({ ...laneOptions, database, schema, workflows: scenario.definitions });
  try {
    const crashed = test.crashAfter(point);
    await start(test, scenario, workflowId);
    await crashed;
    const recorded = await recordedSteps(database, schema, workflowId);
    const begunBefore = ledger.begun.length;
    await test.restart();
    expect(await resultOf(test.perdure, workflowId), `${name} crashed at ${point}`).toEqual(scenario.expected);
    const begunAgain = ledger.begun.slice(begunBefore).filter((key) => recorded.has(key));
    expect(begunAgain, `${name} crashed at ${point}`).toEqual([]);
  } finally {
    // An engine that is left over would take everything from those of the next test.
    await test.close();
  }
}

async function start(test: TestEngine, scenario: Scenario, workflowId: string): Promise<string> {
  const [definition] = scenario.definitions;
  if (definition === undefined) throw new Error('a scenario has a workflow');
  await definition.with({ workflowId, engine: test.perdure }).start();
  return workflowId;
}

/** The result, once there is one; never, if the engine stops before. */
async function resultOf(perdure: Perdure, workflowId: string): Promise<unknown> {
  try {
    return await perdure.run(workflowId).result();
  } catch (error) {
    if ((error as { code?: string }).code === 'PERDURE_ENGINE_STOPPED') return await new Promise(() => {});
    throw error;
  }
}

/** The idempotency keys of the steps that have a result in the history, children's included. */
async function recordedSteps(database: Database, schema: string, workflowId: string): Promise<Set<string>> {
  const rows = await database.query<{ workflow_id: string; seq: number }>({
    name: `recorded_${schema}`,
    text: `select workflow_id, seq from "${schema}".checkpoints
      where kind = 'step' and (workflow_id = $1::text or workflow_id like $1::text || '.%')`,
    values: [workflowId],
  });
  return new Set(rows.map((row) => `${row.workflow_id}:${row.seq}`));
}
