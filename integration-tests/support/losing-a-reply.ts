import type { Database, Row, Statement } from '@perdure/core/internal';
import { passOn } from './pass-on.js';

/** A database that loses the reply to the first statement of a kind, says so, and admits it when it is told to. */
export function losingAReply(real: Database, name: RegExp) {
  let isReplyLost = true;
  let onLost = (): void => {};
  let sendAgain = (): void => {};
  const lost = new Promise<void>((resolve) => (onLost = resolve));
  const again = new Promise<void>((resolve) => (sendAgain = resolve));
  const database: Database = {
    ...passOn(real),
    async query<R extends Row>(statement: Statement) {
      const rows = await real.query<R>(statement);
      if (!isReplyLost || !name.test(statement.name)) return rows;
      isReplyLost = false;
      onLost();
      await again;
      throw Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
    },
  };
  return { database, lost, sendAgain: () => sendAgain() };
}
