import { spawnSync } from 'node:child_process';
import { chmod, chown, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Perdure, queue } from '@perdure/core';
import pg from 'pg';
import { eventually } from '../recovery/eventually.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import type { LimitCase } from './given-values.js';
import { changed, refusal } from './launches.js';

/** Certificates are made with it. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** What keeps an engine from being launched on a server that is set up, or used, in a way that other tests would notice. */
export const ownServers: Readonly<Record<string, LimitCase>> = {
  'A standby': async () =>
    await withServer(async ({ url, becomeStandby }) => {
      // A launch writes it down.
      queue('on_a_standby');
      const perdure = await Perdure.launch({ databaseUrl: url, schema: 'made_before', workflows: [] });
      await perdure.shutdown();
      await becomeStandby();
      return [
        await refusal(url),
        await refusal(url, { schema: 'made_before' }),
        await refusal(url, { schema: 'made_before', migrate: false }),
      ];
    }),
  'A server whose `max_connections` are all taken': async () =>
    await withServer(
      async ({ url }, admin) => {
        await admin.query(`create role plain login password 'right'`);
        const clients: pg.Client[] = [];
        for (let client = await connected(url); client !== null; client = await connected(url)) clients.push(client);
        try {
          const plain = changed(url, { username: 'plain', password: 'right' });
          const errors = [await refusal(url), await refusal(plain)];
          // What is left then is for superusers.
          await clients.pop()!.end();
          return [...errors, await refusal(plain)];
        } finally {
          await Promise.all(clients.map((client) => client.end()));
        }
      },
      ['max_connections=6', 'superuser_reserved_connections=3'],
    ),
  'A server whose `pg_hba.conf` wants TLS, or has no line for the role': async () =>
    await withServer(async ({ url }, admin, folder) => {
      const path = join(folder, 'pg_hba.conf');
      await writeFile(path, (await readFile(path, 'utf8')).replaceAll(/^host /gm, 'hostssl '));
      await admin.query('select pg_reload_conf()');
      await eventually('the server lets nobody in', async () => !(await canConnect(url)));
      return [await refusal(url)];
    }),
  'A certificate that nobody vouches for, or of another host': async () =>
    await withServer(async ({ url }, admin, folder) => {
      const certificate = await makeCertificate(folder, 'elsewhere.test');
      await admin.query('alter system set ssl = on');
      await admin.query('select pg_reload_conf()');
      await eventually('the server speaks TLS', () => canConnect(changed(url, { search: '?sslmode=no-verify' })));
      return [
        await refusal(changed(url, { search: '?sslmode=verify-full' })),
        await refusal(changed(url, { search: `?sslmode=verify-full&sslrootcert=${certificate}` })),
      ];
    }),
};

async function withServer<T>(
  work: (server: PostgresServer, admin: pg.Client, folder: string) => Promise<T>,
  settings: readonly string[] = [],
): Promise<T> {
  const server = await startPostgres(settings);
  const admin = new pg.Client({ connectionString: server.url });
  // The server may be stopped under it.
  admin.on('error', () => {});
  try {
    await admin.connect();
    const { rows } = await admin.query<{ readonly data_directory: string }>('show data_directory');
    return await work(server, admin, rows[0]!.data_directory);
  } finally {
    await admin.end();
    await server.stop();
  }
}

/** null = the server refused */
async function connected(url: string): Promise<pg.Client | null> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return client;
  } catch {
    return null;
  }
}

async function canConnect(url: string): Promise<boolean> {
  const client = await connected(url);
  await client?.end();
  return client !== null;
}

/** Where a server looks for it. The path of the certificate is returned. */
async function makeCertificate(folder: string, host: string): Promise<string> {
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  const files = ['-keyout', key, '-out', certificate];
  const { status, stderr } = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    ...files,
    ...subject,
  ]);
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr.toString()}`);
  const { uid, gid } = await stat(folder);
  for (const path of [key, certificate]) await chown(path, uid, gid);
  await chmod(key, 0o600);
  return certificate;
}
