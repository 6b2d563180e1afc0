import pg from 'pg';
import { median } from '../report/figures.js';
import { deeds, type Side } from './deeds.js';
import { History } from './history.js';
import { openSide } from './side.js';

export interface Growth {
  readonly name: string;
  readonly emptyMs: number;
  readonly fullMs: number;
}

/**
 * What a database full of runs that have ended costs those that have not, beside one that is nearly empty, in turns.
 *
 * @param options `runs`: how many have ended
 */
export async function measureGrowth({
  url,
  runs,
  rounds,
}: {
  readonly url: string;
  readonly runs: number;
  readonly rounds: number;
}): Promise<Growth[]> {
  const sql = new pg.Client({ connectionString: url });
  await sql.connect();
  const sides: Side[] = [];
  try {
    for (const schema of ['empty', 'full']) sides.push(await openSide(url, schema, sql));
    const [empty, full] = sides as [Side, Side];
    for (const { history } of sides) await history.make(History.templates);
    // Both with statistics: without them, it would be the planner's guesses that are compared.
    await empty.history.copyUntil(History.templates);
    await full.history.copyUntil(runs);
    const found: Growth[] = [];
    for (const [name, deed] of Object.entries(deeds)) {
      const times = new Map<Side, number[]>([
        [empty, []],
        [full, []],
      ]);
      const warmUps = 3;
      for (let turn = -warmUps; turn < rounds; turn += 1) {
        for (const side of turn % 2 === 0 ? [empty, full] : [full, empty]) {
          await deed.prepare?.(side);
          const since = performance.now();
          await deed.perform(side);
          if (turn >= 0) times.get(side)?.push(performance.now() - since);
        }
      }
      found.push({ name, emptyMs: median(times.get(empty) ?? []), fullMs: median(times.get(full) ?? []) });
    }
    return found;
  } finally {
    for (const side of sides) await side.close();
    await sql.end();
  }
}
