import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { printMigrations } from '@perdure/core';
import type pg from 'pg';

/** The SQL that the guide gives to its readers is the SQL that the tests run. */
const guide = new URL('../../docs/restricted-role.md', import.meta.url);

/** Makes the role that an engine runs as; what is returned removes it, once its schemas are gone. */
export async function createRestrictedRole(
  client: pg.Client,
): Promise<{ readonly user: string; readonly password: string; readonly drop: () => Promise<void> }> {
  const [user, password] = [`app_${randomUUID().replaceAll('-', '')}`, randomUUID()];
  const [createRole] = statements();
  await client.query(createRole!.replace('app', user).replace('…', password));
  return { user, password, drop: async () => void (await client.query(`drop role ${user}`)) };
}

/** Makes the schema as its owner, and lets the role use it. */
export async function prepareSchema(client: pg.Client, schema: string, user: string): Promise<void> {
  const [, grants] = statements();
  await client.query(printMigrations({ schema }));
  await client.query(grants!.replaceAll(/\bperdure\b/g, schema).replaceAll(/\bapp\b/g, user));
  // The application's own tables, which a test may add.
  await client.query(`alter default privileges in schema ${schema} grant all on tables to ${user}`);
}

function statements(): string[] {
  return [...readFileSync(guide, 'utf8').matchAll(/```sql\n([^]*?)```/g)].map(([, sql]) => sql!);
}
