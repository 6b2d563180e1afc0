import type { Database, Row, Statement } from '@perdure/core/internal';
import { gate } from './gate.js';
import { passOn } from './pass-on.js';

/** A database that holds the first statement of a kind that is sent while it is closed, says so, and sends it when it is opened. */
export const holdingAStatement = (real: Database, name: RegExp) => holding(real, name, 'statement');

/** The same for the answer: the statement has taken effect, and who sent it does not know. */
export const holdingAnAnswer = (real: Database, name: RegExp) => holding(real, name, 'answer');

function holding(real: Database, name: RegExp, what: 'statement' | 'answer') {
  const held = gate();
  const opened = gate();
  let isClosed = false;
  const hold = async (): Promise<void> => {
    held.open();
    await opened.opened;
  };
  const database: Database = {
    ...passOn(real),
    async query<R extends Row>(statement: Statement) {
      const isHeld = isClosed && name.test(statement.name);
      if (isHeld) isClosed = false;
      if (isHeld && what === 'statement') await hold();
      const rows = await real.query<R>(statement);
      if (isHeld && what === 'answer') await hold();
      return rows;
    },
  };
  return { database, close: () => (isClosed = true), held: held.opened, open: opened.open };
}
