/** Runs sleepers and receivers, and does what its parent asks. Arguments: the database's url, the schema, `parkAfter`. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Duration, Perdure } from '@perdure/core';
import pg from 'pg';
import type { Ask, Memory, Question, Reply } from '../sleeping-process.js';
import { sleepingWorkflows } from '../sleeping-workflows.js';

const [databaseUrl, schema, parkAfter] = process.argv.slice(2) as [string, string, Duration];

const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
const { sleeper, receiver } = sleepingWorkflows(async (workflowId) => {
  await pool.query({
    name: 'note',
    text: `insert into ${schema}.woken (workflow_id) values ($1)`,
    values: [workflowId],
  });
});
const perdure = await Perdure.launch({ databaseUrl, schema, workflows: [sleeper, receiver], parkAfter });

/** How many may be awake when more are started. */
const awakeMax = 5_000;

let heapMax = 0;
let runsMax = 0;
setInterval(() => {
  globalThis.gc?.();
  heapMax = Math.max(heapMax, process.memoryUsage().heapUsed);
  runsMax = Math.max(runsMax, perdure.health().runs);
}, 1_000).unref();

process.on('message', (question: Question) => void reply(question));
process.once('disconnect', () => process.exit());
process.send?.('ready');

async function reply({ no, ask }: Question): Promise<void> {
  const say = (said: Reply): void => void process.send?.(said);
  try {
    say({ no, value: await answer(ask) });
  } catch (error) {
    say({ no, error: String(error) });
  }
}

async function answer(ask: Ask): Promise<Memory | null> {
  switch (ask.kind) {
    case 'start':
      // Not faster than they fall asleep: an hour's starts come in an hour, and not all at once.
      while (perdure.health().runs > awakeMax) await wait(10);
      await Promise.all(ask.sleepers.map((id) => sleeper.with({ workflowId: id }).start(id, ask.until)));
      await Promise.all(ask.receivers.map((id) => receiver.with({ workflowId: id }).start(id)));
      return null;
    case 'memory':
      return await memory();
    case 'close':
      await perdure.shutdown();
      await pool.end();
      return null;
  }
}

/** What is left when everything that can go has gone. */
async function memory(): Promise<Memory> {
  const peak = { heapMax, runsMax };
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  heapMax = 0;
  runsMax = 0;
  return { runs: perdure.health().runs, heapBytes: process.memoryUsage().heapUsed, ...peak };
}
