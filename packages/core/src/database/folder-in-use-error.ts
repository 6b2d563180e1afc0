import { PerdureError } from '../errors/perdure-error.js';

/** Another process, or another database in this process, uses the folder. */
export class FolderInUseError extends PerdureError {
  constructor(folder: string, pid: number | null) {
    const holder = pid === process.pid ? 'this process' : `process ${pid ?? '(unknown)'}`;
    super(
      'PERDURE_FOLDER_IN_USE',
      `The embedded database in ${folder} is in use by ${holder}, and only one may use it at a time. ` +
        'Close the other one first, or set DATABASE_URL to a Postgres server, which serves several processes.',
      { data: { folder, pid } },
    );
  }
}
