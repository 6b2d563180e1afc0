import type { Clock } from '../seams/clock.js';
import type { Checkpoint } from '../store/records.js';
import type { ReplayCursor } from './replay-cursor.js';

export interface DeliveriesOptions<Live> {
  readonly clock: Clock;
  readonly cursor: ReplayCursor;
  readonly deliverRecorded: (checkpoint: Checkpoint) => void;
  /** The history is exhausted, so long after the workflow began: what it does not answer may begin. */
  readonly onLive: (replayedMs: number) => void;
  readonly deliverLive: (result: Live) => void;
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

  stop(): void {
    this.#state = 'stopped';
    this.#ready = [];
  }

  #advance(): void {
    if (this.#state === 'stopped') return;
    const recorded = this.#options.cursor.next();
    if (recorded === 'waiting') return;
    if (recorded !== 'done') {
      this.#closeGate();
      this.#options.deliverRecorded(recorded);
      return;
    }
    if (this.#state === 'replaying') {
      this.#state = 'live';
      const nowMs = this.#options.clock.monotonicMs();
      this.#options.onLive(nowMs - (this.#begunMs ?? nowMs));
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
