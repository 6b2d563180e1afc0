import type { Clock, Timer } from '../seams/clock.js';
import type { Checkpoint } from '../store/records.js';
import type { ReplayCursor } from './replay-cursor.js';

export interface DeliveriesOptions<Live> {
  readonly clock: Clock;
  readonly cursor: ReplayCursor;
  readonly deliverRecorded: (checkpoint: Checkpoint) => void;
  /** The history is exhausted, so long after the workflow began: what it does not answer may begin. */
  readonly onLive: (replayedMs: number) => void;
  readonly deliverLive: (result: Live) => void;
  /** The workflow has come to rest, and what is recorded next cannot be delivered, which will not change any more. */
  readonly onStuck: () => void;
  /** How long it may wait for what is no durable call before it counts as stuck. */
  readonly stuckMs: number;
}

/**
 * Hands a run's results to its workflow one at a time, a macrotask apart: first the recorded ones in recorded order,
 * then live ones in the order in which they came about.
 *
 * The gate is closed from a delivery until everything that the workflow does in consequence has happened, and also while
 * the function makes its first calls.
 */
export class Deliveries<Live> {
  readonly #options: DeliveriesOptions<Live>;
  #state: 'replaying' | 'live' | 'stopped' = 'replaying';
  #isGateOpen = false;
  #isScheduled = false;
  #begunMs: number | null = null; // null = the workflow has not begun
  #ready: Live[] = [];
  #heldFrom: number | null = null; // the place of an interruption among what is ready; null = nothing is held
  #stuckTimer: Timer | null = null; // null = nothing recorded is waited with

  constructor(options: DeliveriesOptions<Live>) {
    this.#options = options;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /** Whether a live result waits for its turn. */
  get isBusy(): boolean {
    return this.#ready.length > 0;
  }

  /** The workflow has begun, or made a call: look for what can be delivered once it has come to rest. */
  settle(): void {
    if (this.#state !== 'replaying') return;
    this.#begunMs ??= this.#options.clock.monotonicMs();
    this.#closeGate();
  }

  add(result: Live): void {
    if (this.#state === 'stopped') return;
    this.#ready.push(result);
    if (this.#isGateOpen && this.#state === 'live') this.#advance();
  }

  /** Delivers nothing until it is released: an interruption is about to come, before anything that comes meanwhile. */
  hold(): void {
    this.#heldFrom ??= this.#ready.length;
  }

  /** Goes on, with the interruption first if there is one now. */
  release(interruption: Live | null): void {
    const place = this.#heldFrom ?? this.#ready.length;
    this.#heldFrom = null;
    if (this.#state === 'stopped') return;
    if (interruption !== null) this.#ready.splice(place, 0, interruption);
    if (this.#isGateOpen) this.#advance();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#ready = [];
    this.#stuckTimer?.cancel();
  }

  #advance(): void {
    if (this.#state === 'stopped' || this.#heldFrom !== null) return;
    this.#stuckTimer?.cancel();
    const { cursor, clock, onStuck, stuckMs } = this.#options;
    const recorded = cursor.next();
    if (recorded === 'passed') return onStuck();
    if (recorded === 'waiting') {
      this.#stuckTimer = clock.setTimer(stuckMs, onStuck, { background: true });
      return;
    }
    if (recorded !== 'done') {
      this.#closeGate();
      this.#options.deliverRecorded(recorded);
      return;
    }
    if (this.#state === 'replaying') {
      this.#state = 'live';
      const nowMs = this.#options.clock.monotonicMs();
      this.#options.onLive(nowMs - (this.#begunMs ?? nowMs));
      // What began with that may have a result already, and its delivery has closed the gate.
      if (!this.#isGateOpen) return;
    }
    const live = this.#ready.shift();
    if (live === undefined) return;
    this.#closeGate();
    this.#options.deliverLive(live);
  }

  #closeGate(): void {
    this.#isGateOpen = false;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.clock.nextMacrotask(() => {
      this.#isScheduled = false;
      this.#isGateOpen = true;
      this.#advance();
    });
  }
}
