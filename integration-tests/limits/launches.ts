import { randomUUID } from 'node:crypto';
import { Perdure, printMigrations } from '@perdure/core';
import pg from 'pg';
import { inject } from 'vitest';
import { startPgbouncer } from '../support/pgbouncer.js';
import { type LimitCase, thrown } from './given-values.js';

/** Everything that can keep an engine from being launched on Postgres. */
export const launches: Readonly<Record<string, LimitCase>> = {
  'A `databaseUrl` that is no URL of Postgres': async () => [
    await refusal('mysql://localhost/app'),
    await refusal('postgres://localhost:port/app'),
  ],
  'A schema name that Postgres cannot keep': async () => [
    await refusal(inject('postgresUrl'), { schema: 'x'.repeat(64) }),
    await refusal(inject('postgresUrl'), { schema: 'pg_perdure' }),
    await refusal(inject('postgresUrl'), { schema: '' }),
  ],
  'A server that cannot be reached': async () => [
    await refusal('postgres://somebody:secret@127.0.0.1:1/app'),
    await refusal('postgres://somebody:secret@nowhere.invalid/app'),
  ],
  'A server that is read-only': async () =>
    await withRole(async (url, { role, client }) => {
      await client.query(`alter role ${role} set default_transaction_read_only = on`);
      return [await refusal(url)];
    }),
  'A server, or a role, without a connection left': async () =>
    await withRole(async (url, { role, client }) => {
      await client.query(`alter role ${role} connection limit 0`);
      return [await refusal(url)];
    }),
  'A wrong password, or a role that does not exist': async () =>
    await withRole(async (url) => [
      await refusal(changed(url, { password: 'wrong' })),
      await refusal(changed(url, { username: 'nobody_at_all' })),
    ]),
  'A database that does not exist': async () => [
    await refusal(changed(inject('postgresUrl'), { pathname: '/no_such_database' })),
  ],
  'A role that may not create the tables': async () => await withRole(async (url) => [await refusal(url)]),
  'TLS asked of a server that has none': async () => [
    await refusal(changed(inject('postgresUrl'), { search: '?sslmode=require' })),
  ],
  'A pooler that does not know a parameter of `databaseUrl`': async () => {
    const pooler = await startPgbouncer(inject('postgresUrl'));
    try {
      return [await refusal(changed(pooler.url, { search: '?options=-c%20geqo%3Doff' }))];
    } finally {
      await pooler.stop();
    }
  },
  '`migrate: false`, and a schema that is missing or older': async ({ database, schema }) => {
    const missing = await thrown(() => Perdure.launch({ database, schema, migrate: false }));
    await database.script(printMigrations({ schema }));
    await database.script(`delete from "${schema}".migrations where version > 1`);
    return [missing, await thrown(() => Perdure.launch({ database, schema, migrate: false }))];
  },
  'A schema that a newer version of Perdure made': async ({ database, schema }) => {
    await database.script(printMigrations({ schema }));
    await database.script(`insert into "${schema}".migrations (version, name) values (9999, 'later')`);
    return [
      await thrown(() => Perdure.launch({ database, schema })),
      await thrown(() => Perdure.launch({ database, schema, migrate: false })),
    ];
  },
};

async function refusal(databaseUrl: string, options: { readonly schema?: string } = {}): Promise<unknown> {
  return await thrown(async () => {
    const perdure = await Perdure.launch({ databaseUrl, schema: 'never_made', workflows: [], ...options });
    await perdure.shutdown();
  });
}

/** A role that may connect and nothing else. */
async function withRole<T>(
  work: (url: string, admin: { readonly role: string; readonly client: pg.Client }) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  const role = `limits_${randomUUID().replaceAll('-', '')}`;
  try {
    await client.query(`create role ${role} login password 'right'`);
    return await work(changed(inject('postgresUrl'), { username: role, password: 'right' }), { role, client });
  } finally {
    await client.query(`drop role if exists ${role}`);
    await client.end();
  }
}

function changed(url: string, changes: Partial<Pick<URL, 'username' | 'password' | 'pathname' | 'search'>>): string {
  return Object.assign(new URL(url), changes).href;
}
