import type { TestDatabase } from './databases.js';
import { afterThisTest } from './engines.js';
import { gate } from './gate.js';

/** Holds a run's row as a sender of a message does, until told to let go. */
export async function holdRow(test: TestDatabase, workflowId: string): Promise<() => Promise<void>> {
  const held = gate();
  const over = gate();
  const database = await test.reopen();
  const transaction = database.transaction(async (tx) => {
    const text = `select from "${test.schema}".runs where workflow_id = $1::text for key share`;
    await tx.query({ name: `hold_${test.schema}`, text, values: [workflowId] });
    held.open();
    await over.opened;
  });
  const letGo = async (): Promise<void> => {
    over.open();
    await transaction;
  };
  afterThisTest(letGo);
  await Promise.race([held.opened, transaction]);
  return letGo;
}
