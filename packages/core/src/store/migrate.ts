import type { Database, Queryable } from '../database/database.js';
import { SchemaMissingError, SchemaTooNewError } from '../errors/errors.js';
import { checkSchemaName, quoteIdentifier } from '../database/identifier.js';
import { migrations } from './migrations/index.js';

const newestVersion = migrations[migrations.length - 1]?.version ?? 0;

/** The versions of a schema, before and after; 0 = it wasn't there. */
export interface Migrated {
  readonly from: number;
  readonly to: number;
}

/**
 * Brings the schema up to date. Any number of processes may call it at once: an advisory lock lets one work, and the
 * others then find nothing left to do. A schema newer than this code is refused.
 */
export async function migrate(database: Database, schemaName: string): Promise<Migrated> {
  const schema = quoteIdentifier(schemaName);
  if ((await appliedVersion(database, schemaName)) === newestVersion) return { from: newestVersion, to: newestVersion };
  return await database.transaction(async (tx) => {
    await tx.query({
      name: 'perdure_migrate_lock',
      text: `select pg_advisory_xact_lock(hashtext('perdure'), hashtext($1::text))::text`,
      values: [schemaName],
    });
    const applied = await appliedVersion(tx, schemaName);
    if (applied > newestVersion) throw new SchemaTooNewError(schemaName, applied, newestVersion);
    if (applied === 0) await tx.script(bookkeepingSql(schema, { withSchema: !(await schemaExists(tx, schemaName)) }));
    for (const migration of migrations.filter(({ version }) => version > applied)) {
      await tx.script(migration.sql(schema, schemaName));
      await tx.script(recordSql(schema, migration.version, migration.name));
    }
    return { from: applied, to: newestVersion };
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
 * @param options `after`: the version that the schema is at, which `select max(version) from perdure.migrations` tells; 0
 * by default, for a schema that isn't there yet
 *
 * @example
 * console.log(printMigrations({ schema: 'perdure' }));
 */
export function printMigrations(options: { readonly schema?: string; readonly after?: number } = {}): string {
  const { after = 0 } = options;
  const schemaName = checkSchemaName(options.schema ?? 'perdure');
  const schema = quoteIdentifier(schemaName);
  const pending = migrations.filter(({ version }) => version > after);
  const steps = pending.map(
    (migration) =>
      `-- ${migration.version} ${migration.name}${migration.sql(schema, schemaName)}${recordSql(schema, migration.version, migration.name)}`,
  );
  const bookkeeping = after === 0 ? [bookkeepingSql(schema, { withSchema: true })] : [];
  return ['begin;', ...bookkeeping, ...steps, 'commit;', ''].join('\n');
}

/** A role that may create tables in a schema that was made for it may not create schemas, not even one that exists. */
const bookkeepingSql = (schema: string, { withSchema }: { readonly withSchema: boolean }): string => `
${withSchema ? `create schema if not exists ${schema};` : ''}
create table if not exists ${schema}.migrations (
  version integer primary key,
  name text not null,
  applied_at timestamptz not null default clock_timestamp()
);`;

const recordSql = (schema: string, version: number, name: string): string =>
  `insert into ${schema}.migrations (version, name) values (${version}, '${name}');`;

async function schemaExists(queryable: Queryable, schemaName: string): Promise<boolean> {
  const rows = await queryable.query({
    name: 'perdure_migrate_schema',
    text: 'select 1 from pg_catalog.pg_namespace where nspname = $1::text',
    values: [schemaName],
  });
  return rows.length > 0;
}

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
