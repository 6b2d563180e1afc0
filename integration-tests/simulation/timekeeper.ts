import type { Asker } from './asker.js';
import type { Ticks } from './plan.js';
import type { Storage } from './storage.js';

interface Fired extends Record<string, unknown> {
  workflow_id: string;
}

/** Somebody who makes a schedule that fires a few times. */
export class Timekeeper {
  readonly #ticks: Ticks;
  readonly #asker: Asker;
  #made = 0;

  constructor(ticks: Ticks, asker: Asker) {
    this.#ticks = ticks;
    this.#asker = asker;
  }

  begin(): void {
    const { everyMs, count } = this.#ticks;
    this.#asker.until({
      what: 'makes a schedule',
      inMs: 500,
      asking: async (process, engine) => {
        this.#made += 1;
        await engine.schedules.set('ticks', { timing: { every: everyMs }, workflow: process.tick, maxRuns: count });
      },
    });
  }

  /** Whether it has fired as often as it was to. */
  async isOver(storage: Storage): Promise<boolean> {
    return (await firedSlots(storage)).length >= this.#ticks.count;
  }

  /** What is wrong with the slots that have fired: each has to, once, and none of another time. */
  async examine(storage: Storage): Promise<string | null> {
    const { everyMs, count } = this.#ticks;
    const slots = await firedSlots(storage);
    // Made once more, it begins with the slot that comes next then.
    const isGapless = this.#made > 1 || slots.every((slot, index) => slot === slots[0]! + index * everyMs);
    const isRegular = isGapless && slots.every((slot) => slot % everyMs === 0);
    const [known] = await storage.rows<{ fired: number; missed: number }>(
      `select fired::float8 as fired, missed::float8 as missed from ${storage.schema}.schedules`,
    );
    const counts = known ?? { fired: 0, missed: 0 };
    if (isRegular && slots.length <= count && counts.fired === slots.length && counts.missed === 0) return null;
    return `the schedule fired at ${slots.join(', ')}, and says ${JSON.stringify(counts)}`;
  }
}

/** The ids of the runs say which slots they are. */
async function firedSlots(storage: Storage): Promise<number[]> {
  const rows = await storage.rows<Fired>(
    `select workflow_id from ${storage.schema}.runs where name = 'tick' order by 1`,
  );
  return rows.map(({ workflow_id: id }) => Date.parse(id.slice(id.indexOf('@') + 1)));
}
