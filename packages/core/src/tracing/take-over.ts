import type { Attributes, Context, Tracer } from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import type { ClaimedRun } from '../store/records.js';
import { runAttributes } from './attributes.js';
import { derivedId, lostKey } from './derived-ids.js';
import { tellOfCaller } from './lost-caller.js';
import type { Death, Place } from './place.js';
import type { GivenIds } from './span-ids.js';
import { standIn } from './stand-in.js';
import type { StoredTrace } from './stored-trace.js';

/** Says for a process that died what it had no time to say: spans that are open are never exported. */
export class TakeOver {
  readonly #run: ClaimedRun;
  readonly #stored: StoredTrace | null;
  readonly #death: Death;
  readonly #beganAt: EpochMs;
  readonly #earliest: EpochMs;
  readonly #shiftMs: number;
  readonly #seenAt: EpochMs;
  readonly #endedAt: EpochMs;
  /** The trace that roots are to be in; null = none. */
  readonly #traceId: string | null;
  #isOver = false;

  /**
   * @param lastAt when the last thing was recorded
   * @param shiftMs from the database's clock to the one that spans go by
   */
  constructor(options: {
    readonly run: ClaimedRun;
    readonly stored: StoredTrace | null;
    readonly place: Place;
    readonly death: Death;
    readonly lastAt: EpochMs;
    readonly shiftMs: number;
  }) {
    const { run, stored, place, death, lastAt, shiftMs } = options;
    this.#traceId = place.traceId;
    this.#run = run;
    this.#stored = stored;
    this.#death = death;
    this.#shiftMs = shiftMs;
    this.#earliest = stored?.startedAt ?? 0;
    const began = run.attempt === 2 ? run.createdAt : lastAt;
    this.#beganAt = Math.max(began + shiftMs, this.#earliest);
    this.#seenAt = Math.max(death.seenAt + shiftMs, this.#beganAt);
    this.#endedAt = Math.max(death.endedAt + shiftMs, this.#seenAt);
  }

  /** The bar of the process that died. */
  runWasLost(tracer: Tracer, around: Context, depth: number): void {
    const attributes = {
      ...runAttributes(this.#run),
      'perdure.attempt': this.#run.attempt - 1,
      'perdure.outcome': 'lost',
      'error.type': 'executor-lost',
      'perdure.executor.id': this.#death.executorId,
    };
    standIn(tracer, `execute ${this.#run.name} (lost)`, around, attributes, {
      from: this.#beganAt,
      to: this.#seenAt,
      ids: this.#idsOf(lostKey(this.#run, this.#run.attempt - 1)),
      depth: depth + 1,
    });
  }

  /** The caller, if it waited for the run in the process that died. */
  callerWasLost(tracer: Tracer, plain: Context): void {
    const stored = this.#stored;
    if (stored?.anchors[0].maker === this.#death.executorId)
      tellOfCaller(tracer, plain, this.#run, stored, this.#endedAt);
  }

  /**
   * A try of a step that the process may have had in flight, until it was given up: how long it lived on after its last sign of
   * life nobody knows, and what it did then lies within.
   *
   * Replay is deterministic: what this process comes to first that
   * is not recorded is what that one was at.
   */
  tryWasInterrupted(
    tracer: Tracer,
    around: Context,
    step: {
      readonly attributes: Attributes;
      readonly issuedAt: EpochMs;
      readonly keyOf: (attempt: number) => string;
    },
  ): void {
    if (this.#isOver) return;
    const { attributes, issuedAt, keyOf } = step;
    const all = {
      ...runAttributes(this.#run),
      ...attributes,
      'perdure.outcome': 'unknown',
      'error.type': 'executor-lost',
    };
    const ids = this.#idsOf(keyOf(this.#run.attempt - 1));
    const name = `step ${String(attributes['perdure.step.name'])} (interrupted)`;
    standIn(tracer, name, around, all, {
      from: Math.max(issuedAt + this.#shiftMs, this.#earliest),
      to: this.#endedAt,
      ids,
      depth: (this.#stored?.depth ?? 0) + 2,
    });
  }

  /** What comes from here on, nobody has been at before. */
  over(): void {
    this.#isOver = true;
  }

  #idsOf(key: string): GivenIds {
    return { spanId: derivedId(key), traceId: this.#traceId };
  }
}
