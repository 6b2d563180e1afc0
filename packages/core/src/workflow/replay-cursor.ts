import type { CallKind, Checkpoint } from '../store/records.js';
import type { History, RecordedCall } from './history.js';

/** A durable call as the workflow makes it. */
export interface IssuedCall {
  readonly seq: number;
  readonly kind: CallKind;
  readonly name: string;
}

/**
 * Where a run stands in its recorded history.
 *
 * The workflow makes its calls again, in order, and each must be the one that the history holds under its number. The
 * recorded results are then handed out in recorded order, each once the call that it belongs to has been made.
 */
export class ReplayCursor {
  readonly #history: History;
  readonly #issued = new Set<number>();
  readonly #asked = new Set<string>();
  #delivered = 0;
  #isAtEndAgain: boolean;
  #lastMatched: IssuedCall | null = null;
  #hasMoved = false; // whether a call was made since the last delivery

  /** @param wasAtEnd whether the workflow has come to rest at the end of the history before */
  constructor(history: History, wasAtEnd = false) {
    this.#history = history;
    this.#isAtEndAgain = wasAtEnd;
  }

  /** Checks a call against the history: what is recorded of it, null if nothing is, or the difference. */
  issue(call: IssuedCall): { readonly recorded: RecordedCall | null } | { readonly mismatch: RecordedCall } {
    const recorded = this.#history.calls.get(call.seq) ?? null;
    if (recorded !== null && (recorded.kind !== call.kind || recorded.name !== call.name))
      return { mismatch: recorded };
    if (call.seq <= this.#history.lastSeq) this.#issued.add(call.seq);
    this.#hasMoved = true;
    if (recorded !== null) this.#lastMatched = call;
    return { recorded };
  }

  /** Notes that the workflow knows of a patch. Answers whether the history has it. */
  ask(patch: string): boolean {
    this.#asked.add(patch);
    return this.#history.patches.has(patch);
  }

  /**
   * The next recorded delivery; `waiting` while the workflow hasn't made its call, or asked for a patch, yet; `passed` if it
   * went on without asking for one; `done` after the last.
   */
  next(): Checkpoint | 'waiting' | 'passed' | 'done' {
    while (this.#isAsked(this.#history.deliveries[this.#delivered])) this.#delivered += 1;
    const checkpoint = this.#history.deliveries[this.#delivered];
    if (checkpoint === undefined) return 'done';
    if (checkpoint.kind === 'patch') return this.#hasMoved ? 'passed' : 'waiting';
    if (checkpoint.seq >= 0 && !this.#issued.has(checkpoint.seq)) return 'waiting';
    this.#delivered += 1;
    this.#hasMoved = false;
    return checkpoint;
  }

  /** Something new is delivered: from here on, nobody has been. */
  passedEnd(): void {
    this.#isAtEndAgain = false;
  }

  /**
   * Whether the workflow has been where it is now before, as far as the history tells: it holds what comes later, or the
   * workflow came to rest at its end, and has heard nothing new since.
   *
   * @param nextSeq the number of the next call
   */
  isRepeating(nextSeq: number): boolean {
    const { deliveries, lastSeq } = this.#history;
    return this.#isAtEndAgain || this.#delivered < deliveries.length || nextSeq <= lastSeq;
  }

  /** What is recorded and the workflow has not taken. */
  leftOver(): readonly Checkpoint[] {
    return this.#history.deliveries.slice(this.#delivered).filter((checkpoint) => !this.#isAsked(checkpoint));
  }

  #isAsked(checkpoint: Checkpoint | undefined): boolean {
    return checkpoint?.kind === 'patch' && this.#asked.has(checkpoint.name);
  }

  /** The last call that the history confirmed, for explaining a difference. */
  get lastMatched(): IssuedCall | null {
    return this.#lastMatched;
  }
}
