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
  /** Results and interruptions, in the order in which the workflow saw them, and between them the patches that it asked for. */
  readonly deliveries: readonly Checkpoint[];
  readonly calls: ReadonlyMap<number, RecordedCall>;
  /** The highest number of a call that left anything behind; -1 = none did. */
  readonly lastSeq: number;
  /** The changes of its code at which the run takes the new way. */
  readonly patches: ReadonlySet<string>;
  readonly nextPosition: number;
  /** The `retry` rows, of which there is one for each time that the whole workflow was retried. */
  readonly retryRows: readonly Checkpoint[];
  readonly retries: number;
  readonly lastRetry: Checkpoint | null;
}

/** The transactions of which the history, in the order of its rows, has no result of a step: they have committed all the same. */
export function loneTransactions(checkpoints: readonly Checkpoint[]): readonly Checkpoint[] {
  const lastRetry = checkpoints.findLastIndex(({ kind }) => kind === 'retry');
  const last = checkpoints.slice(lastRetry + 1).filter(({ kind }) => kind === 'step');
  const recorded = new Set(last.map(({ seq }) => seq));
  return checkpoints.filter(({ kind, seq }) => kind === 'transaction' && !recorded.has(seq));
}

export function arrangeHistory(checkpoints: readonly Checkpoint[]): History {
  const retryRows = checkpoints.filter((checkpoint) => checkpoint.kind === 'retry');
  const lastRetry = retryRows[retryRows.length - 1] ?? null;
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
    patches: new Set(current.flatMap(({ kind, name }) => (kind === 'patch' ? [name] : []))),
    nextPosition: (checkpoints[checkpoints.length - 1]?.position ?? -1) + 1,
    retryRows,
    retries: retryRows.length,
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
    case 'patch':
    case 'retry':
    case 'streamed':
      return null;
    default:
      return checkpoint.kind;
  }
}
