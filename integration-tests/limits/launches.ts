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
    await refusal('postgres://localhost/%E0%A4%A'),
  ],
  'A file in `databaseUrl` that cannot be read': async () => [
    await refusal('postgres://localhost/app?sslmode=verify-full&sslrootcert=/nowhere/root.crt'),
    await refusal('postgres://localhost/app?sslkey=/nowhere/client.key'),
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
  'A server that has no disk space or memory left': async () =>
    await withDatabase(async (url, { client }) => {
      const errors: unknown[] = [];
      for (const code of ['53100', '53200']) {
        await client.query(`
          create or replace function refuse() returns event_trigger language plpgsql as
            $$ begin raise exception using errcode = '${code}', message = 'nothing is left'; end $$;
          create event trigger refuse on ddl_command_start execute function refuse()`);
        errors.push(await refusal(url));
        await client.query('drop event trigger refuse');
      }
      return errors;
    }),
  'A wrong password, or a role that does not exist': async () =>
    await withRole(async (url) => [
      await refusal(changed(url, { password: 'wrong' })),
      await refusal(changed(url, { username: 'nobody_at_all' })),
    ]),
  'A database that does not exist, or lets nobody in': async () => [
    await refusal(changed(inject('postgresUrl'), { pathname: '/no_such_database' })),
    await withDatabase(async (url, { name, server }) => {
      await server.query(`alter database ${name} allow_connections false`);
      return await refusal(url);
    }),
  ],
  'A role that may not create the tables': async () => await withRole(async (url) => [await refusal(url)]),
  'TLS asked of a server that has none': async () => [
    await refusal(changed(inject('postgresUrl'), { search: '?sslmode=require' })),
  ],
  'A parameter of `databaseUrl` that Postgres refuses': async () => [
    await refusal(changed(inject('postgresUrl'), { search: '?options=-c%20nonsense%3Don' })),
    await refusal(changed(inject('postgresUrl'), { search: '?options=-c%20work_mem%3Dmuch' })),
    await refusal(changed(inject('postgresUrl'), { search: '?options=-c%20max_connections%3D7' })),
  ],
  'A pooler that does not know a parameter of `databaseUrl`': async () =>
    await withPooler(async (url) => [await refusal(changed(url, { search: '?options=-c%20geqo%3Doff' }))]),
  'A pooler that does not know the role, or its password': async () =>
    await withPooler(async (url) => [
      await refusal(changed(url, { password: 'wrong' })),
      await refusal(changed(url, { username: 'nobody_at_all' })),
    ]),
  'A pooler in front of a database that does not exist': async () =>
    await withPooler(async (url) => [await refusal(changed(url, { pathname: '/no_such_database' }))]),
  'A pooler that has no TLS': async () =>
    await withPooler(async (url) => [await refusal(changed(url, { search: '?sslmode=require' }))]),
  'A pooler without a connection left': async () =>
    await withPooler(
      async (url) => {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        try {
          return [await refusal(url)];
        } finally {
          await client.end();
        }
      },
      ['max_client_conn = 1'],
    ),
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

export async function refusal(
  databaseUrl: string,
  options: { readonly schema?: string; readonly migrate?: boolean } = {},
): Promise<unknown> {
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

/** An empty database, with clients of a superuser in it and beside it. */
async function withDatabase<T>(
  work: (
    url: string,
    admin: { readonly name: string; readonly client: pg.Client; readonly server: pg.Client },
  ) => Promise<T>,
): Promise<T> {
  const name = `limits_${randomUUID().replaceAll('-', '')}`;
  const url = changed(inject('postgresUrl'), { pathname: `/${name}` });
  const server = new pg.Client({ connectionString: inject('postgresUrl') });
  await server.connect();
  await server.query(`create database ${name}`);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(url, { name, client, server });
  } finally {
    await client.end();
    await server.query(`drop database ${name} with (force)`);
    await server.end();
  }
}

async function withPooler<T>(work: (url: string) => Promise<T>, settings: readonly string[] = []): Promise<T> {
  const pooler = await startPgbouncer(inject('postgresUrl'), settings);
  try {
    return await work(pooler.url);
  } finally {
    await pooler.stop();
  }
}

export function changed(
  url: string,
  changes: Partial<Pick<URL, 'username' | 'password' | 'pathname' | 'search'>>,
): string {
  return Object.assign(new URL(url), changes).href;
}
