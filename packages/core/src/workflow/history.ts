import type { CallKind, Checkpoint, CheckpointKind } from '../store/records.js';

/** What the history holds of one durable call. */
export interface RecordedCall {
  readonly kind: CallKind;
  readonly name: string;
  /** What the call left behind while it was open: failed attempts, a sleep's wake-up time. */
  readonly markers: readonly Checkpoint[];
  readonly result: Checkpoint | null; // null = it was open when the history ends
}

/** A run's checkpoints, arranged for replay; what is `streamed` is none of it. Only what follows the last `retry` counts: it made the workflow start afresh. */
export interface History {
  /** Results and interruptions, in the order in which the workflow saw them. */
  readonly deliveries: readonly Checkpoint[];
  readonly calls: ReadonlyMap<number, RecordedCall>;
  /** The highest number of a call that left anything behind; -1 = none did. */
  readonly lastSeq: number;
  readonly nextPosition: number;
  /** How often the whole workflow was retried. */
  readonly retries: number;
  readonly lastRetry: Checkpoint | null;
}

export function arrangeHistory(checkpoints: readonly Checkpoint[]): History {
  const retries = checkpoints.filter((checkpoint) => checkpoint.kind === 'retry');
  const lastRetry = retries[retries.length - 1] ?? null;
  const current = checkpoints.filter(
    ({ kind, position }) => kind === 'transaction' || position > (lastRetry?.position ?? -1),
  );
  const calls = new Map<number, RecordedCall>();
  const deliveries: Checkpoint[] = [];
  for (const checkpoint of current) {
    const isMarker = markerKinds.has(checkpoint.kind);
    if (!isMarker) deliveries.push(checkpoint);
    const kind = callKindOf(checkpoint);
    if (kind === null) continue;
    const known = calls.get(checkpoint.seq);
    calls.set(checkpoint.seq, {
      kind,
      name: checkpoint.name,
      markers: isMarker ? [...(known?.markers ?? []), checkpoint] : (known?.markers ?? []),
      result: isMarker ? (known?.result ?? null) : checkpoint,
    });
  }
  return {
    deliveries,
    calls,
    lastSeq: current.reduce((last, { seq }) => Math.max(last, seq), -1),
    nextPosition: (checkpoints[checkpoints.length - 1]?.position ?? -1) + 1,
    retries: retries.length,
    lastRetry,
  };
}

const markerKinds: ReadonlySet<CheckpointKind> = new Set(['attempt', 'timer', 'wait', 'transaction']);

/** The kind of call that a checkpoint belongs to; null where it concerns the whole run. */
function callKindOf(checkpoint: Checkpoint): CallKind | null {
  switch (checkpoint.kind) {
    case 'attempt':
    case 'transaction':
      return 'step';
    case 'timer':
      return 'sleep';
    case 'wait':
      return 'receive';
    case 'cancelled':
    case 'timed-out':
    case 'retry':
    case 'streamed':
      return null;
    default:
      return checkpoint.kind;
  }
}
