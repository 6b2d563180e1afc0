import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { type NightOptions, night } from './night.js';

const fates: NightOptions['meanwhile'][] = ['stays', 'is killed'];

it.each(fates)(
  'keeps nothing of thousands that are asleep, and wakes each once, though the process %s',
  { timeout: 120_000 },
  async (meanwhile) => {
    const passed = await night({
      url: inject('postgresUrl'),
      schema: `night_${randomUUID().replaceAll('-', '')}`,
      sleepers: 2_000,
      receivers: 2_000,
      asleepForMs: 30_000,
      meanwhile,
    });
    expect(passed.violations).toEqual([]);
  },
);
