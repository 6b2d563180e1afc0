import { Perdure, PerdureClient, step, workflow } from '@perdure/core';
import type pg from 'pg';
import type { Side } from './deeds.js';
import { History } from './history.js';

const measured = workflow('measured', async (no: number) => {
  await step.run('look', () => no);
  return await step.run('count', () => {
    if (no % 20 === 19) throw new Error('Every twentieth fails');
    return no + 1;
  });
});

export async function openSide(databaseUrl: string, schema: string, sql: pg.Client): Promise<Side> {
  const perdure = await Perdure.launch({ databaseUrl, schema, workflows: [measured] });
  const client = await PerdureClient.connect({ databaseUrl, schema });
  return {
    perdure,
    client,
    workflow: measured,
    history: new History(sql, schema, perdure, measured),
    async close() {
      await client.close();
      await perdure.shutdown();
    },
  };
}
