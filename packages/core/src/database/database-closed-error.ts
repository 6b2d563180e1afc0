import { PerdureError } from '../errors/perdure-error.js';

/** Something was asked of a database after its `close()`. */
export class DatabaseClosedError extends PerdureError {
  constructor() {
    super('PERDURE_DATABASE_CLOSED', 'This database has been closed. Open another one with postgres() or embedded().');
  }
}
