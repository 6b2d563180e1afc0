import { step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';

describe.each(databases)('a side effect on $name', ({ open }) => {
  it('waits until everything that the run did before is durable', async () => {
    const test = await freshDatabase(open);
    const stored = async () => {
      const [row] = await test.database.query<{ checkpoints: number; outcomes: number }>({
        name: `test_stored_${test.schema}`,
        text: `select (select count(*)::int4 from "${test.schema}".checkpoints) as checkpoints,
          (select count(*)::int4 from "${test.schema}".outcomes) as outcomes`,
        values: [],
      });
      return row;
    };
    const look = step('look', async () => await stored());
    const looks = workflow('looks', async () => {
      const first = await look();
      const second = await look();
      const [third, fourth] = await Promise.all([look(), look()]);
      return [first, second, third, fourth, await look()];
    });
    const perdure = await launchEngine(test, { workflows: [looks] });
    const seen = await looks.with({ engine: perdure })();
    const [first, second, third, fourth, last] = seen.map((row) => row?.checkpoints);
    expect([first, second, last]).toEqual([0, 1, 4]);
    // Two at once do not wait for each other, though one may end first.
    expect([2, 3]).toContain(third);
    expect([2, 3]).toContain(fourth);
    // And so does the answer.
    expect(await stored()).toEqual({ checkpoints: 5, outcomes: 1 });
  });
});
