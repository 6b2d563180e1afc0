import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Database, embedded, PerdureClient, postgres } from '@perdure/core';
import { UsageError } from '../failures/usage-error.js';

/** What a command is told about where its database is. */
export interface ConnectionOptions {
  readonly databaseUrl?: string;
  readonly folder?: string;
  readonly schema?: string;
}

/** What commands ask, with an engine in this process and without one. */
export type Access = Pick<PerdureClient, 'runs' | 'queues' | 'schedules' | 'versions' | 'check'>;

/** Where the data is. */
export type Place = { readonly databaseUrl: string } | { readonly folder: string };

export const defaultFolder = '.perdure';

/** The place that options name, or the environment; else the folder of the embedded Postgres, if it is there. */
export function placeOf({ databaseUrl, folder }: ConnectionOptions, env: NodeJS.ProcessEnv): Place | null {
  if (databaseUrl !== undefined && folder !== undefined) {
    throw new UsageError('Give either --database-url or --folder.');
  }
  if (databaseUrl !== undefined && databaseUrl !== '') return { databaseUrl };
  if (folder !== undefined) return { folder };
  const given = env['DATABASE_URL'] ?? '';
  if (given !== '') return { databaseUrl: given };
  return existsSync(defaultFolder) ? { folder: defaultFolder } : null;
}

/** @throws {UsageError} if nothing says where the data is, or a folder that isn't there */
export function existingPlace(options: ConnectionOptions, env: NodeJS.ProcessEnv): Place {
  const place = placeOf(options, env);
  if (place === null) {
    throw new UsageError(
      'Which database? Set DATABASE_URL or pass --database-url; or pass --folder for an embedded Postgres.',
    );
  }
  if ('folder' in place && !existsSync(place.folder)) {
    throw new UsageError(
      `There is no folder ${resolve(place.folder)}. Correct --folder, or make it with perdure migrate.`,
    );
  }
  return place;
}

export const openPlace = (place: Place): Database =>
  'folder' in place ? embedded(place) : postgres({ url: place.databaseUrl });

/** Connects a client for as long as the work takes. */
export async function withClient<T>(
  place: Place,
  schema: string | undefined,
  work: (client: Access) => Promise<T>,
): Promise<T> {
  const database = openPlace(place);
  try {
    const client = await PerdureClient.connect({ database, ...(schema !== undefined && { schema }) });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  } finally {
    await database.close();
  }
}

/** The parts of a URL that are nobody's business, as they are written there and as they are meant. */
export function secretsOf(databaseUrl: string | undefined): string[] {
  const password = /^[a-z]+:\/\/[^/@:]*:([^@]+)@/i.exec(databaseUrl ?? '')?.[1];
  const parameter = /[?&]password=([^&#]+)/.exec(databaseUrl ?? '')?.[1];
  return [password, parameter].flatMap((secret) => (secret === undefined ? [] : [secret, decoded(secret)]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
