import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { playDeploys } from './deploys.js';

it('three builds are deployed while orders come in: each run goes on where its code is, and none is lost', async () => {
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const report = await playDeploys(inject('engineUrl'), schema, 10);
  expect(report).toEqual({
    started: 50,
    completed: 50,
    tookNewWork: { first: ['1'], second: ['2'], third: ['3'], rolledBack: ['2'] },
    shippedFirst: { before: ['1'], after: ['2'] },
    shippedSecond: ['2'],
    verdicts: { second: ['compatible'], third: ['diverges at step 0'] },
    repeated: [],
  });
});
