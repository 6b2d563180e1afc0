import type { Database, Queryable } from '../database/database.js';
import { SchemaMissingError, SchemaTooNewError } from '../errors/errors.js';
import { checkSchemaName, quoteIdentifier } from '../database/identifier.js';
import { migrations } from './migrations/index.js';

const newestVersion = migrations[migrations.length - 1]?.version ?? 0;

/**
 * Brings the schema up to date. Any number of processes may call it at once: an advisory lock lets one work, and the
 * others then find nothing left to do. A schema newer than this code is refused.
 */
export async function migrate(database: Database, schemaName: string): Promise<void> {
  const schema = quoteIdentifier(schemaName);
  if ((await appliedVersion(database, schemaName)) === newestVersion) return;
  await database.transaction(async (tx) => {
    await tx.query({
      name: 'perdure_migrate_lock',
      text: `select pg_advisory_xact_lock(hashtext('perdure'), hashtext($1::text))::text`,
      values: [schemaName],
    });
    const applied = await appliedVersion(tx, schemaName);
    if (applied > newestVersion) throw new SchemaTooNewError(schemaName, applied, newestVersion);
    if (applied === 0) await tx.script(bookkeepingSql(schema));
    for (const migration of migrations.filter(({ version }) => version > applied)) {
      await tx.script(migration.sql(schema));
      await tx.script(recordSql(schema, migration.version, migration.name));
    }
  });
}

/** For `migrate: false`: throws unless the schema is there and neither older nor newer than this code. */
export async function verifySchema(database: Database, schemaName: string): Promise<void> {
  const applied = await appliedVersion(database, schemaName);
  if (applied < newestVersion) throw new SchemaMissingError(schemaName, applied, newestVersion);
  if (applied > newestVersion) throw new SchemaTooNewError(schemaName, applied, newestVersion);
}

/**
 * All migrations as one SQL script, for a role that may create tables to run by hand (`psql -f`).
 *
 * @example
 * console.log(printMigrations({ schema: 'perdure' }));
 */
export function printMigrations(options: { readonly schema?: string } = {}): string {
  const schema = quoteIdentifier(checkSchemaName(options.schema ?? 'perdure'));
  const steps = migrations.map(
    (migration) =>
      `-- ${migration.version} ${migration.name}${migration.sql(schema)}${recordSql(schema, migration.version, migration.name)}`,
  );
  return ['begin;', bookkeepingSql(schema), ...steps, 'commit;', ''].join('\n');
}

const bookkeepingSql = (schema: string): string => `
create schema if not exists ${schema};
create table if not exists ${schema}.migrations (
  version integer primary key,
  name text not null,
  applied_at timestamptz not null default clock_timestamp()
);`;

const recordSql = (schema: string, version: number, name: string): string =>
  `insert into ${schema}.migrations (version, name) values (${version}, '${name}');`;

/** Asks the catalog's tables: `to_regclass` answers from a cache, which a wait for the lock leaves behind the times. */
async function appliedVersion(queryable: Queryable, schemaName: string): Promise<number> {
  const [found] = await queryable.query<{ present: boolean }>({
    name: 'perdure_migrate_present',
    text: `
      select exists (
        select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1::text and c.relname = 'migrations'
      ) as present`,
    values: [schemaName],
  });
  if (found?.present !== true) return 0;
  const [row] = await queryable.query<{ version: number }>({
    name: `perdure_migrate_version_${schemaName}`,
    text: `select coalesce(max(version), 0)::int4 as version from ${quoteIdentifier(schemaName)}.migrations`,
    values: [],
  });
  return Number(row?.version ?? 0);
}
