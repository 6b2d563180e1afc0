import { sleep, workflow } from '@perdure/core';
import { expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';

const { open } = databases.find(({ name }) => name === 'postgres')!;

it('an engine without notifications neither listens nor notifies, and hears of everything by asking', async () => {
  const test = await freshDatabase(open);
  let listening = 0;
  const counted = (database = test.database) =>
    countingDatabase({
      ...passOn(database),
      listen(...args) {
        listening += 1;
        return database.listen(...args);
      },
    });
  const [first, second] = [counted(), counted(await test.reopen())];
  const nap = workflow('no-notify: nap', async () => await sleep('1h'));
  const options = { workflows: [nap], poll: '50ms', lease: '900ms' } as const;
  const sleeping = await launchEngine(test, { ...options, database: first });
  const asking = await launchEngine(test, { ...options, database: second });
  await nap.with({ workflowId: 'nap', engine: sleeping }).start();
  const result = asking.run('nap').result();
  await asking.run('nap').cancel();
  await expect(result).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
  expect([listening, first.count('notify'), second.count('notify')]).toEqual([0, 0, 0]);
  expect(asking.health().status).toBe('healthy');
});
