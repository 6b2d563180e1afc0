import { queue, workflow } from '@perdure/core';
import type { Database, Row, Statement } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, patient } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { passOn } from '../support/pass-on.js';

describe.each(databases)('a claim on $name', ({ open }) => {
  it('is made again as soon as it is clear what became of one that failed', async () => {
    const work = workflow('claimed late', async () => 'done');
    const test = await freshDatabase(open);
    let claims = 0;
    let isBroken = false;
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        if (statement.name.endsWith('ownership_claim')) {
          claims += 1;
          if (isBroken) {
            isBroken = false;
            throw Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
          }
        }
        return await test.database.query<R>(statement);
      },
    };
    queue('claimed late');
    await launchEngine({ ...test, database }, { workflows: [work], poll });
    await expect.poll(() => claims, patient).toBeGreaterThan(0);
    const client = await connectClient(test, { database: await test.reopen() });
    isBroken = true;
    const line = client.workflow('claimed late').with({ queue: 'claimed late' });
    const first = await line.start();
    await expect.poll(() => isBroken, patient).toBe(false);
    // Word of the second one makes the engine ask what the failed claim took: nothing.
    const second = await line.start();
    expect(await Promise.all([first.result(), second.result()])).toEqual(['done', 'done']);
  });
});
