import { type Slot, step, workflow } from '@perdure/core';
import type { TestDatabase } from './databases.js';

/** A workflow that notes the slots that it ran for. */
export function noting(name: string, body: () => Promise<unknown> = async () => {}) {
  const seen: string[] = [];
  const note = workflow(name, async (slot: Slot) => {
    await step.run('note', () => void seen.push(slot.at.toISOString().slice(11, 19)));
    await body();
    return slot;
  });
  return { seen, note };
}

/** The workflow ids of all runs of a workflow. */
export async function runsOf(test: TestDatabase, name: string): Promise<string[]> {
  const text = `select workflow_id from "${test.schema}".runs where name = '${name}' order by workflow_id`;
  return (await test.database.query<{ workflow_id: string }>({ name: text, text, values: [] })).map(
    (row) => row.workflow_id,
  );
}
