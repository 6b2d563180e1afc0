import type { StreamChange, StreamEntry } from '../store/streams.js';

/** The changes of one commit as one: what a later change takes back of an earlier one is not written at all. */
export function mergeStreamChanges(changes: readonly StreamChange[]): StreamChange {
  let entries: StreamEntry[] = [];
  for (const change of changes) {
    if (change.discarded.length > 0) entries = entries.filter((entry) => !isDiscarded(entry, change));
    entries.push(...change.entries);
  }
  return { entries, discarded: changes.flatMap((change) => change.discarded) };
}

function isDiscarded({ workflowId, name, no }: StreamEntry, { discarded }: StreamChange): boolean {
  return discarded.some(
    (discard) =>
      discard.workflowId === workflowId && discard.name === name && discard.first <= no && no <= discard.last,
  );
}
