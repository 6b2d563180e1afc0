/**
 * Executes modules of the documentation one after the other: `run-blocks '[{ "path": "…", "launches": true }]'`. One that launches
 * no engine finds one launched. All engines are on one embedded Postgres in memory, which takes seconds to start, each module's in a
 * schema of its own. Prints what became of each module as a line of JSON.
 */
import { embedded, Perdure } from '@perdure/core';
import { processState } from '@perdure/core/internal';
import type { BlockRun, BlockToRun } from '../execute.js';
// First, so that what blocks define can be told from what their readers have.
import '../world/shop.js';

const { definitions, queues, schedules } = processState();
const readers = new Map(definitions);
const database = embedded({ memory: true });
const { launch } = Perdure;

for (const [index, block] of (JSON.parse(process.argv[2] ?? '[]') as readonly BlockToRun[]).entries()) {
  const run = await execute(block, `block_${index}`);
  process.stdout.write(`\n${JSON.stringify(run)}\n`);
}
process.exit();

async function execute({ path, launches }: BlockToRun, schema: string): Promise<BlockRun> {
  const engines: Perdure[] = [];
  Perdure.launch = async (options) => {
    const engine = await launch({ ...options, database, schema });
    engines.push(engine);
    return engine;
  };
  const errors: unknown[] = [];
  const note = (error: unknown): void => void errors.push(error);
  process.on('unhandledRejection', note);
  try {
    if (!launches) await Perdure.launch();
    await import(path);
  } catch (error) {
    note(error);
  }
  await Promise.all(engines.map((engine) => engine.shutdown()));
  forgetDefinitions();
  process.off('unhandledRejection', note);
  return { path, errors: errors.map(String), ...(await outcomes(schema)) };
}

/** The next page may call its workflows by the same names. */
function forgetDefinitions(): void {
  for (const name of definitions.keys()) if (!readers.has(name)) definitions.delete(name);
  queues.clear();
  schedules.clear();
}

/** How many runs have ended, as the database has it. */
async function outcomes(schema: string): Promise<Pick<BlockRun, 'completed' | 'failed'>> {
  const engine = await launch({ workflows: [], database, schema });
  const groups = await engine.runs.count({}, { by: ['status'] });
  await engine.shutdown();
  const of = (status: string): number => groups.find((group) => group.status === status)?.count ?? 0;
  return { completed: of('completed'), failed: of('failed') + of('dead') + of('blocked') };
}
