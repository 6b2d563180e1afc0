import { Perdure } from '@perdure/core';
import { expect, inject, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';

const { open } = databases.find(({ name }) => name === 'postgres')!;

it.each([
  ['add a table', 'create table {schema}.more ()'],
  ['add a schema', 'create schema more_{schema}'],
  ['change a table', 'alter table {schema}.runs add column more text'],
  ['drop a table', 'drop table {schema}.outcomes'],
  ['take a schema for migrated', `insert into {schema}.migrations values (999, 'more')`],
  ['change a recorded result', `update {schema}.checkpoints set payload = '2'`],
  ['delete a recorded result', 'delete from {schema}.checkpoints'],
  ['change an outcome', `update {schema}.outcomes set kind = 'completed'`],
  ['delete a run', 'delete from {schema}.runs'],
])('the restricted role may not %s', async (_what, sql) => {
  const test = await freshDatabase(open);
  await expect(test.database.script(sql.replaceAll('{schema}', test.schema))).rejects.toMatchObject({ code: '42501' });
});

it('an engine needs no option for it where the schema is up to date', async () => {
  const test = await freshDatabase(open);
  const perdure = await Perdure.launch({ databaseUrl: inject('engineUrl'), schema: test.schema });
  expect(perdure.health().status).toBe('healthy');
  await perdure.shutdown();
});
