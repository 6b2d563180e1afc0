import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { night } from './night.js';

// `npm run sleepers` tries a hundred thousand, and processes that stay or are closed, too.
it(
  'keeps nothing of thousands that are asleep, and wakes each once, though the process is killed',
  { timeout: 120_000 },
  async () => {
    const passed = await night({
      url: inject('postgresUrl'),
      schema: `night_${randomUUID().replaceAll('-', '')}`,
      sleepers: 2_000,
      receivers: 2_000,
      asleepForMs: 30_000,
      meanwhile: 'is killed',
    });
    expect(passed.violations).toEqual([]);
  },
);
