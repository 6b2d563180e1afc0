import { step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';

/** What Postgres will never take is kept from the tables by checks at the edge; here a constraint stands in for it. */
describe.each(databases)('a checkpoint that $name refuses', ({ open }) => {
  it.each(['first', 'last'])('fails its run, and no other, when it is the %s', async (position) => {
    const test = await freshDatabase(open);
    const record = step('record', async (text: string) => text);
    const notes = workflow('refused: notes', async (texts: string[]) => {
      let length = 0;
      for (const text of texts) length += (await record(text)).length;
      return length;
    });
    const perdure = await launchEngine(test, { workflows: [notes] });
    const table = `"${test.schema}".checkpoints`;
    await test.administer(`alter table ${table} add constraint refused check (payload not like '%poison%')`);
    const poisoned = position === 'first' ? ['poison', 'b', 'c'] : ['a', 'b', 'poison'];
    const runs = [poisoned, ['a', 'b', 'c'], ['d', 'e', 'f']].map((texts) => notes.with({ engine: perdure })(texts));
    const results = await Promise.allSettled(runs);
    expect(results).toMatchObject([
      { status: 'rejected', reason: { code: 'PERDURE_STORE_REFUSED' } },
      { status: 'fulfilled', value: 3 },
      { status: 'fulfilled', value: 3 },
    ]);
    const [row] = await test.database.query<{ kinds: string[] }>({
      name: `outcomes_${test.schema}`,
      text: `select array_agg(kind order by kind) as kinds from "${test.schema}".outcomes`,
      values: [],
    });
    expect(row?.kinds).toEqual(['completed', 'completed', 'failed']);
  });
});
