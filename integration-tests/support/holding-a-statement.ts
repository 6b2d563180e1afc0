import type { Database, Row, Statement } from '@perdure/core/internal';
import { gate } from './gate.js';
import { passOn } from './pass-on.js';

/** A database that holds the first statement of a kind that is sent while it is closed, says so, and sends it when it is opened. */
export function holdingAStatement(real: Database, name: RegExp) {
  const held = gate();
  const opened = gate();
  let isClosed = false;
  const database: Database = {
    ...passOn(real),
    async query<R extends Row>(statement: Statement) {
      if (isClosed && name.test(statement.name)) {
        isClosed = false;
        held.open();
        await opened.opened;
      }
      return await real.query<R>(statement);
    },
  };
  return { database, close: () => (isClosed = true), held: held.opened, open: opened.open };
}
