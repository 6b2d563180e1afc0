import { PerdureError } from './perdure-error.js';

/** Something was asked of a database after its `close()`. */
export class DatabaseClosedError extends PerdureError {
  static readonly code = 'PERDURE_DATABASE_CLOSED';
  override readonly name: string = 'DatabaseClosedError';

  constructor() {
    super(DatabaseClosedError.code, 'This database has been closed. Open another one with postgres() or embedded().');
  }
}

/** Why a server turns an engine away. */
export type RefusalReason = 'login' | 'database' | 'rights' | 'tls' | 'parameter';

const refusalAdvice: Record<RefusalReason, string> = {
  login:
    'Check the user and the password in databaseUrl (DATABASE_URL), and pg_hba.conf on the server, which may want TLS (sslmode).',
  database: 'Create the database, or correct its name in databaseUrl (DATABASE_URL).',
  rights:
    'Grant the role what docs/restricted-role.md lists. A role that may not create tables launches with migrate: false, after somebody who may has run the output of printMigrations().',
  tls: 'Correct sslmode in databaseUrl (DATABASE_URL), or the certificate.',
  parameter: 'Leave the parameter out of databaseUrl (DATABASE_URL); a pooler takes only those that it knows.',
};

/** The server was reached when the engine was launched, and turned it away: somebody has to change something. */
export class DatabaseRefusedError extends PerdureError {
  static readonly code = 'PERDURE_DATABASE_REFUSED';
  override readonly name: string = 'DatabaseRefusedError';

  constructor(reason: RefusalReason, cause: unknown) {
    const said = cause instanceof Error ? `: ${cause.message}` : '';
    super(DatabaseRefusedError.code, `The database refused${said}. ${refusalAdvice[reason]}`, {
      cause,
      data: { reason },
    });
  }
}

/** The role may not delete what runs have recorded. */
export class DeletionRefusedError extends PerdureError {
  static readonly code = 'PERDURE_DELETION_REFUSED';
  override readonly name: string = 'DeletionRefusedError';

  /** @param tables those that it would have to delete from */
  constructor(tables: readonly string[], cause: unknown) {
    const said = cause instanceof Error ? `: ${cause.message}` : '';
    super(
      DeletionRefusedError.code,
      `The role that this process uses the database as may not delete runs${said}. Ask with a role that may, or let the owner ` +
        `GRANT DELETE ON ${tables.join(', ')} to it, as docs/restricted-role.md says.`,
      { cause, data: { tables } },
    );
  }
}

/** The server did not answer in time. What was asked may have happened all the same. */
export class DeadlineError extends PerdureError {
  static readonly code = 'PERDURE_DEADLINE';
  override readonly name: string = 'DeadlineError';

  constructor(timeoutMs: number) {
    super(
      DeadlineError.code,
      `Postgres did not answer within ${timeoutMs} ms. See whether it is overloaded, or whether another session holds a lock.`,
      { data: { timeoutMs } },
    );
  }
}

/** Another process, or another database in this process, uses the folder. */
export class FolderInUseError extends PerdureError {
  static readonly code = 'PERDURE_FOLDER_IN_USE';
  override readonly name: string = 'FolderInUseError';

  constructor(folder: string, pid: number | null) {
    const holder = pid === process.pid ? 'this process' : `process ${pid ?? '(unknown)'}`;
    super(
      FolderInUseError.code,
      `The embedded database in ${folder} is in use by ${holder}, and only one may use it at a time. ` +
        'Close the other one first, or set DATABASE_URL to a Postgres server, which serves several processes.',
      { data: { folder, pid } },
    );
  }
}
