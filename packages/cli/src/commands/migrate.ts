import { printMigrations } from '@perdure/core';
import { migrateDatabase } from '@perdure/core/internal';
import type { Command } from 'commander';
import { withoutUndefined } from '../arguments/filter-options.js';
import { wholeNumber } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import { openPlace, placeOf } from '../database/connection.js';
import { UsageError } from '../failures/usage-error.js';

interface MigrateOptions extends CommonOptions {
  readonly print?: true;
  readonly after?: number;
}

export function addMigrate(program: Command, cli: Cli): void {
  addCommand(program, 'migrate', 'make the tables, or bring them up to date')
    .option('--print', 'only print the SQL, for a role that may create tables')
    .option('--after <version>', 'with --print: what comes after this version of the schema', wholeNumber)
    .action(async (options: MigrateOptions) => {
      const { print, after, schema } = options;
      if (print === true) {
        const sql = printMigrations(withoutUndefined({ schema, after }));
        cli.answer(options, { sql }, () => [sql.trimEnd()]);
        return;
      }
      if (after !== undefined)
        throw new UsageError('--after is for --print: what a schema lacks is found out otherwise.');
      const migrated = await migrate(cli, options);
      const { from, to } = migrated;
      const name = schema ?? 'perdure';
      cli.answer(options, { schema: name, ...migrated }, () => [
        from === to
          ? `Schema "${name}" is up to date, at version ${to}.`
          : `Schema "${name}" was ${from === 0 ? 'made' : `at version ${from}`}, and is at version ${to} now.`,
      ]);
    });
}

async function migrate(cli: Cli, options: CommonOptions): Promise<{ readonly from: number; readonly to: number }> {
  const place = placeOf(options, cli.env);
  if (place === null) {
    throw new UsageError('Which database? Set DATABASE_URL, or pass --database-url or --folder.');
  }
  const database = openPlace(place);
  try {
    return await migrateDatabase({ database, ...withoutUndefined({ schema: options.schema }) });
  } finally {
    await database.close();
  }
}
