import type { Checkpoint } from '../store/records.js';
import type { Discard, StreamChange, StreamedPayload, StreamEntry, StreamRange } from '../store/streams.js';

/** What a call writes to a stream. */
export interface StreamWrites {
  readonly name: string;
  readonly kind: 'value' | 'close';
  readonly payloads: readonly (string | null)[];
}

/** The streams of a run, as one call writes to them. */
export interface CallStreams {
  readonly isClosed: (name: string) => boolean;
  /** Resolves once it is durable; never, once the call has been answered or the run has stopped here. */
  readonly write: (writes: StreamWrites) => Promise<void>;
}

/** A stretch of a stream that one step wrote, or the workflow itself. */
interface Stretch extends StreamRange {
  readonly seq: number;
}

/** The seq of what the workflow itself writes, all of which goes together. */
const itself = -1;

interface Stream {
  next: number;
  /** What can still be taken back. */
  stretches: Stretch[];
  closedBy: number | null; // its seq; null = open
}

/**
 * Gives what a run writes to its streams its places, and remembers who wrote what, so that a step that is tried again takes
 * back what its last try had written. Only one process executes a run, so places need no asking.
 */
export class RunStreams {
  readonly #workflowId: string;
  readonly #append: (change: StreamChange) => Promise<void>;
  readonly #streams = new Map<string, Stream>();

  /**
   * @param checkpoints the run's history, with what earlier processes wrote
   * @param append makes a change durable that no checkpoint brings along
   */
  constructor(workflowId: string, checkpoints: readonly Checkpoint[], append: (change: StreamChange) => Promise<void>) {
    this.#workflowId = workflowId;
    this.#append = append;
    for (const { kind, name, seq, payload } of checkpoints) {
      if (kind === 'streamed') this.#restore(name, seq, JSON.parse(payload ?? '') as StreamedPayload);
    }
  }

  /** What one call can do. */
  of(seq: number): CallStreams {
    return {
      isClosed: (name) => this.#stream(name).closedBy !== null,
      write: (writes) => this.#append(this.#place(seq, seq, writes)),
    };
  }

  /** Takes back what a call has written, and tells whoever has read it. */
  rollBack(seq: number): void {
    if (this.#streams.size === 0) return;
    const change = this.#rollBack((writer) => writer === seq);
    if (change.entries.length > 0) void this.#append(change);
  }

  /** What is to be recorded together with what takes back everything. */
  rollBackAll(): StreamChange {
    return this.#rollBack(() => true);
  }

  /** What the workflow itself writes, to be recorded together with its call. */
  place(call: number, writes: StreamWrites): StreamChange {
    return this.#place(itself, call, writes);
  }

  /** What a history tells of streams of which nothing can be taken back any more. */
  checkpointsLike(checkpoint: Checkpoint): Checkpoint[] {
    return [...this.#streams].map(([name, { next }]) => {
      const payload: StreamedPayload = { kind: 'rollback', first: next - 1, last: next - 1 };
      const { workflowId, attempt, startedAt, finishedAt } = checkpoint;
      const base = { workflowId, attempt, startedAt, finishedAt, position: -1, seq: -1, failed: false };
      return { ...base, kind: 'streamed', name, payload: JSON.stringify(payload) };
    });
  }

  /** Nothing comes after the end of a stream. */
  #place(seq: number, call: number, { name, kind, payloads }: StreamWrites): StreamChange {
    const stream = this.#stream(name);
    if (stream.closedBy !== null || payloads.length === 0) return { entries: [], discarded: [] };
    const { workflowId, first } = { workflowId: this.#workflowId, first: stream.next };
    const entries = payloads.map((payload): StreamEntry => ({
      workflowId,
      name,
      no: stream.next++,
      kind,
      seq,
      call,
      payload,
    }));
    const last = stream.next - 1;
    const latest = stream.stretches.at(-1);
    if (latest?.seq === seq && latest.last === first - 1) stream.stretches.splice(-1, 1, { ...latest, last });
    else stream.stretches.push({ seq, first, last });
    if (kind === 'close') stream.closedBy = seq;
    return { entries, discarded: [] };
  }

  #rollBack(isMeant: (seq: number) => boolean): StreamChange {
    const entries: StreamEntry[] = [];
    const discarded: Discard[] = [];
    for (const [name, stream] of this.#streams) {
      if (!stream.stretches.some((stretch) => isMeant(stretch.seq))) continue;
      const ranges = stream.stretches
        .filter((stretch) => isMeant(stretch.seq))
        .map(({ first, last }): StreamRange => ({ first, last }));
      stream.stretches = stream.stretches.filter((stretch) => !isMeant(stretch.seq));
      if (stream.closedBy !== null && isMeant(stream.closedBy)) stream.closedBy = null;
      const place = { workflowId: this.#workflowId, name };
      discarded.push(...ranges.map((range) => ({ ...place, ...range })));
      entries.push({
        ...place,
        no: stream.next++,
        kind: 'rollback',
        seq: itself,
        call: -1,
        payload: JSON.stringify(ranges),
      });
    }
    return { entries, discarded };
  }

  #restore(name: string, seq: number, { kind, first, last }: StreamedPayload): void {
    const stream = this.#stream(name);
    stream.next = Math.max(stream.next, last + 1);
    if (kind === 'rollback') return;
    stream.stretches.push({ seq, first, last });
    if (kind === 'close') stream.closedBy = seq;
  }

  #stream(name: string): Stream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = { next: 0, stretches: [], closedBy: null };
      this.#streams.set(name, stream);
    }
    return stream;
  }
}
