import { checkSchemaName } from '../database/identifier.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { migrate, type Migrated } from '../store/migrate.js';
import type { ClientOptions } from './engine-options.js';
import { launchError } from './launch-error.js';
import { openGivenDatabase } from './open-database.js';

/** Brings the schema of a database up to date, as a launch does, and launches nothing. */
export async function migrateDatabase(
  options: Pick<ClientOptions, 'databaseUrl' | 'pool' | 'database' | 'schema'>,
): Promise<Migrated> {
  const schema = checkSchemaName(options.schema ?? 'perdure');
  const opened = openGivenDatabase(options);
  if (opened === null) throw new InvalidArgumentError('A migration needs a databaseUrl, a pool or a database.');
  const { database, isOwn } = opened;
  try {
    return await migrate(database, schema);
  } catch (error) {
    throw launchError(error);
  } finally {
    if (isOwn) await database.close();
  }
}
