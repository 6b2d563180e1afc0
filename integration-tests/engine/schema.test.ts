import { randomUUID } from 'node:crypto';
import { Perdure, printMigrations, step, workflow } from '@perdure/core';
import { describe, expect, inject, it } from 'vitest';
import { databases } from '../support/databases.js';
import { lane } from '../support/lanes.js';
import { freshDatabase, launchEngine } from '../support/engines.js';

const double = step('double', async (n: number) => n * 2);
const task = workflow('task', async (n: number) => await double(n));

it('says what to check when the database cannot be reached, without the password', async () => {
  const error = await Perdure.launch({ databaseUrl: 'postgres://user:secret@127.0.0.1:1/nowhere' }).catch(
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({
    code: 'PERDURE_DATABASE_UNAVAILABLE',
    message: expect.stringContaining('DATABASE_URL'),
  });
  expect(JSON.stringify(error, ['message', 'stack'])).not.toContain('secret');
  await expect(Perdure.launch({ databaseUrl: 'mysql://localhost' })).rejects.toMatchObject({
    code: 'PERDURE_INVALID_ARGUMENT',
  });
});

it.skipIf(lane.has('restricted-role'))('may be made for a role that can make tables in it, and no schema', async () => {
  const test = await freshDatabase(databases.find(({ name }) => name === 'postgres')!.open);
  const role = `tables_${randomUUID().replaceAll('-', '')}`;
  await test.administer(`
    create role ${role} login password 'secret';
    create schema ${test.schema};
    grant usage, create on schema ${test.schema} to ${role}`);
  const url = Object.assign(new URL(inject('postgresUrl')), { username: role, password: 'secret' }).href;
  const perdure = await Perdure.launch({ databaseUrl: url, schema: test.schema, workflows: [task] });
  expect(await task.with({ engine: perdure })(4)).toBe(8);
  await perdure.shutdown();
  await test.administer(`drop owned by ${role}; drop role ${role}`);
});

// A role without DDL rights finds a schema that somebody else has made.
describe.skipIf(lane.has('restricted-role')).each(databases)('the schema on $name', ({ open }) => {
  it('is made once by engines that launch at the same time', async () => {
    const test = await freshDatabase(open);
    const engines = await Promise.all(
      [1, 2, 3, 4].map(async () => launchEngine(test, { workflows: [task], database: await test.reopen() })),
    );
    expect(await Promise.all(engines.map((engine) => task.with({ engine })(2)))).toEqual([4, 4, 4, 4]);
  });

  it.each(['With Upper', 'quote"d', "o'brien", 'tür-ö', 'select'])('may be named %j', async (schema) => {
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [task], schema });
    expect(await task.with({ engine: perdure })(3)).toBe(6);
    await perdure.shutdown();
    await test.database.script(`drop schema "${schema.replaceAll('"', '""')}" cascade`);
  });

  it('keeps applications apart', async () => {
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [task], schema: `${test.schema}_1` });
    const second = await launchEngine(test, { workflows: [task], schema: `${test.schema}_2` });
    expect(await task.with({ engine: first, workflowId: 'same' })(1)).toBe(2);
    expect(await task.with({ engine: second, workflowId: 'same' })(5)).toBe(10);
    await first.shutdown();
    await second.shutdown();
    await test.database.script(`drop schema "${test.schema}_1" cascade; drop schema "${test.schema}_2" cascade;`);
  });

  it('can be printed, run apart, and only be checked at launch', async () => {
    const test = await freshDatabase(open);
    const options = { database: test.database, schema: test.schema, migrate: false, workflows: [task] };
    await expect(Perdure.launch(options)).rejects.toMatchObject({ code: 'PERDURE_SCHEMA_MISSING' });
    await test.database.script(printMigrations({ schema: test.schema }));
    const perdure = await launchEngine(test, options);
    expect(await task.with({ engine: perdure })(3)).toBe(6);
    await test.database.script(`insert into "${test.schema}".migrations (version, name) values (999, 'later')`);
    await expect(Perdure.launch(options)).rejects.toMatchObject({ code: 'PERDURE_SCHEMA_TOO_NEW' });
    await expect(Perdure.launch({ ...options, migrate: true })).rejects.toMatchObject({
      code: 'PERDURE_SCHEMA_TOO_NEW',
    });
  });

  it('is printed from the version on that it has', async () => {
    const test = await freshDatabase(open);
    await launchEngine(test, { workflows: [task] });
    const newest = Number(/values \((\d+), '[^']*'\);\ncommit;/.exec(printMigrations())?.[1]);
    expect(printMigrations({ schema: test.schema, after: newest })).toBe('begin;\ncommit;\n');
    expect(printMigrations({ schema: test.schema, after: newest - 1 })).toContain(`values (${newest}, `);
  });

  it('refuses names that Postgres cannot keep', async () => {
    const test = await freshDatabase(open);
    for (const schema of ['', 'x'.repeat(64), 'a\0b']) {
      await expect(Perdure.launch({ database: test.database, schema })).rejects.toMatchObject({
        code: 'PERDURE_INVALID_ARGUMENT',
      });
    }
  });
});
