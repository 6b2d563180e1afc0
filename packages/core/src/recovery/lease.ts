import type { Metrics } from '../metrics/metrics.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { ExecutorStore } from '../store/executors.js';
import type { Tracing } from '../tracing/tracing.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';

export interface LeaseOptions {
  readonly executorId: string;
  readonly label: string;
  readonly leaseMs: number;
  readonly metrics: Metrics;
  readonly executors: ExecutorStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Pick<Tracing, 'sentUntil' | 'onStartsSent'>;
  /** No unfinished run of this executor has a lower claim number. */
  readonly oldestClaimNo: () => number;
  readonly onRevoked: () => void;
}

/**
 * This executor's lease. The heartbeat renews it three times within its length, by the database's clock.
 *
 * This process itself counts the lease from the moment *before* it asked, on a clock that never jumps. When that runs out
 * without a reply, the lease is *uncertain*: no new side effect begins until a heartbeat says how things stand. Either the
 * lease goes on, also after it lapsed, if nobody took it away; or it was revoked, and everything here is abandoned.
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #loop: Loop;
  #heldUntilMs = 0;
  #renewedAtMs: number | null = null; // null = not registered yet
  #steadyFromMs = 0;
  #renewal: Deferred<void> | null = null; // null = nobody waits for one
  #stopListening = (): void => {};

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'heartbeat',
      clock: options.clock,
      random: options.random,
      logger: options.logger,
      intervalMs: options.leaseMs / 3,
      round: () => this.#heartbeat(),
    });
  }

  async register(): Promise<void> {
    const { clock, executors, executorId, label, leaseMs, metrics, tracing } = this.#options;
    const sentAtMs = clock.monotonicMs();
    const databaseNow = await executors.register({
      executorId,
      label,
      collectsMetrics: metrics.isOn,
      leaseMs,
      sentUntil: tracing.sentUntil(),
      now: clock.sqlNow(),
    });
    this.#renewed(databaseNow, sentAtMs);
    this.#loop.start();
    // Said late, it would not be known whether the spans were lost if this process dies.
    this.#stopListening = tracing.onStartsSent(() => this.#loop.wake());
  }

  /** Whether the lease is surely held. */
  get isHeld(): boolean {
    return this.#options.clock.monotonicMs() < this.#heldUntilMs;
  }

  /** Since when no heartbeat has been answered; null while they are. */
  get failingSince(): EpochMs | null {
    return this.#loop.failingSince;
  }

  /** Null while the lease is surely held, else a promise of its renewal. */
  renewal(): Promise<void> | null {
    if (this.isHeld) return null;
    this.#renewal ??= deferred<void>();
    this.#loop.wake();
    return this.#renewal.promise;
  }

  /**
   * Whether this process may take others for dead. When it has missed a heartbeat itself, the database may have been away
   * for all, and the living first get the time to renew leases that lapsed meanwhile.
   */
  get isSteady(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#renewedAtMs !== null && nowMs - this.#renewedAtMs < this.#gapMs && nowMs >= this.#steadyFromMs;
  }

  async stop(): Promise<void> {
    this.#stopListening();
    await this.#loop.stop();
  }

  async #heartbeat(): Promise<void> {
    const { clock, executors, executorId, leaseMs, oldestClaimNo, tracing } = this.#options;
    const sentAtMs = clock.monotonicMs();
    const databaseNow = await executors.heartbeat({
      executorId,
      leaseMs,
      oldestClaimNo: oldestClaimNo(),
      sentUntil: tracing.sentUntil(),
      now: clock.sqlNow(),
    });
    if (databaseNow === null) this.#options.onRevoked();
    else this.#renewed(databaseNow, sentAtMs);
  }

  /** More than one interval between heartbeats, and less than two. */
  get #gapMs(): number {
    return this.#options.leaseMs / 2;
  }

  /** A fifth of the lease is kept as a margin for what is decided just before it ends. */
  #renewed(databaseNow: number, sentAtMs: number): void {
    this.#options.clock.synchronize(databaseNow, sentAtMs);
    this.#heldUntilMs = sentAtMs + this.#options.leaseMs * 0.8;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#renewedAtMs !== null) {
      const plannedMs = (this.#options.leaseMs / 3) * 1.1;
      this.#options.metrics.heartbeat(nowMs - this.#renewedAtMs - plannedMs);
    }
    if (this.#renewedAtMs !== null && nowMs - this.#renewedAtMs >= this.#gapMs)
      this.#steadyFromMs = nowMs + this.#gapMs;
    this.#renewedAtMs = nowMs;
    this.#renewal?.resolve();
    this.#renewal = null;
  }
}
