import type { LogItem } from './checkpoint-log.js';

/** The run that publishes something with an item; null where nothing is. */
export function publisherOf(item: LogItem): string | null {
  if (item.kind === 'stream') return item.workflowId;
  if (item.kind !== 'checkpoint') return null;
  const { kind, streamed, workflowId } = item.checkpoint;
  return kind === 'event' || (streamed !== undefined && streamed.entries.length > 0) ? workflowId : null;
}
