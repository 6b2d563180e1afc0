import { classify } from '../database/database-errors.js';
import type { Database, Queryable } from '../database/database.js';
import { nextFire, slotArgument, slotId } from '../schedule/next-fire.js';
import type { ScheduleDefinition } from '../schedule/schedule-settings.js';
import type { EpochMs, Timer } from '../seams/clock.js';
import type { ScheduleRecord, ScheduleStore } from '../store/schedules.js';
import type { RunRecord } from '../store/records.js';
import { Loop } from '../util/loop.js';
import type { StartRequest } from '../workflow/run-starter.js';
import type { EngineServices } from './engine-services.js';
import { slotRequest } from './slot-starts.js';

export interface SchedulerOptions {
  readonly services: EngineServices;
  readonly database: Database;
  readonly schedules: ScheduleStore;
  /** The schedules that this process's code declares and can run. */
  readonly definitions: () => readonly ScheduleDefinition[];
  readonly beforeRound: () => Promise<void>;
  /** Makes a run part of a transaction, waiting in a queue if one is named; nothing happens if the run is there already. */
  readonly startIn: (tx: Queryable, request: StartRequest, queue: string | null) => Promise<void>;
  readonly findRun: (workflowId: string) => Promise<RunRecord | null>;
  readonly cancel: (workflowId: string) => Promise<void>;
  /** Runs were started. */
  readonly onFired: () => void;
}

/** A change that no notification told of is found after this long. */
const lookMs = 30_000;

/** Further schedules that are due follow at once. */
const schedulesMax = 100;

/** Counting missed slots one by one stops here. */
const missedMax = 100_000;

/**
 * Fires what is due, for one engine. A schedule moves on from a slot in the transaction that holds the slot's run, and only if
 * nobody else has moved it: each slot fires once, whoever else tries and whatever crashes.
 *
 * All of it goes by the database's clock; the process's own only counts how long to wait until the next slot.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #loop: Loop;
  #timer: Timer | null = null; // null = nothing is known to come

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { clock, random, logger } = options.services;
    this.#loop = new Loop({
      name: 'schedules',
      clock,
      random,
      logger,
      intervalMs: lookMs,
      round: () => this.#round(),
    });
  }

  start(): void {
    this.#loop.start();
    this.#loop.wake();
  }

  /** Something about schedules has changed. */
  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#loop.stop();
  }

  async #round(): Promise<void> {
    const { services, schedules, definitions, beforeRound } = this.#options;
    await beforeRound();
    this.#timer?.cancel();
    const workflows = services.registry.all().map(({ name }) => name);
    if (workflows.length === 0) return;
    const found = await schedules.upcoming({
      names: definitions().map(({ name }) => name),
      workflows,
      max: schedulesMax,
      now: services.clock.sqlNow(),
    });
    const due = found.schedules.filter(({ nextFireAt }) => nextFireAt !== null && nextFireAt <= found.now);
    let failures = 0;
    for (const schedule of due) if (!(await this.#tryToFire(schedule, found.now))) failures += 1;
    if (due.length > failures) {
      // What follows is known only now: the schedules that fired have moved on.
      this.#loop.wake();
      return;
    }
    // One that could not be fired is tried again at the next look, and holds up no other.
    const next = found.schedules.find(({ nextFireAt }) => nextFireAt !== null && nextFireAt > found.now)?.nextFireAt;
    if (next != null) this.#timer = services.clock.setTimer(next - found.now, () => this.wake(), { background: true });
  }

  /** False if this schedule cannot be fired, whatever it is that is wrong with it. */
  async #tryToFire(schedule: ScheduleRecord, now: EpochMs): Promise<boolean> {
    try {
      await this.#fire(schedule, now);
      return true;
    } catch (error) {
      if (classify(error) === 'connection') throw error;
      this.#options.services.logger.error({ err: error, schedule: schedule.name }, 'a schedule could not be fired');
      return false;
    }
  }

  /** One slot of one schedule: it fires, or is left out. */
  async #fire(schedule: ScheduleRecord, now: EpochMs): Promise<void> {
    const { services, database, schedules, findRun, cancel, onFired } = this.#options;
    const { name, settings, nextSlotAt: slotAt, lastWorkflowId, fired } = schedule;
    if (slotAt === null) return;
    const missed = this.#countMissed(schedule, slotAt, now);
    if (missed.count > 0) {
      const next = nextFire(name, settings, missed.lastSlotAt, fired);
      await schedules.advance(database, { name, slotAt, next, fired: null, missed: missed.count, skipped: 0 });
      return;
    }
    const previous = lastWorkflowId === null || settings.overlap === 'allow' ? null : await findRun(lastWorkflowId);
    const isRunning = previous !== null && previous.finishedAt === null;
    const isSkipped = isRunning && settings.overlap === 'skip';
    const workflowId = slotId(name, slotAt);
    const next = nextFire(name, settings, slotAt, isSkipped ? fired : fired + 1);
    const didFire = await database.transaction(async (tx) => {
      const step = { name, slotAt, next, missed: 0 };
      if (isSkipped) {
        await schedules.advance(tx, { ...step, fired: null, skipped: 1 });
        return false;
      }
      if (!(await schedules.advance(tx, { ...step, fired: workflowId, skipped: 0 }))) return false;
      const input = schedule.input === null ? undefined : services.codec.decode(schedule.input);
      const request = slotRequest(services.registry, schedule.workflow, slotArgument(name, slotAt, input), workflowId);
      await this.#options.startIn(tx, request, settings.overlap === 'queue' ? queueOf(name) : null);
      return true;
    });
    if (!didFire) return;
    onFired();
    if (isRunning && settings.overlap === 'cancel-previous') await cancel(previous.workflowId);
  }

  /** Slots that are older than may be caught up with, from the next one on. */
  #countMissed({ settings }: ScheduleRecord, slotAt: EpochMs, now: EpochMs): { count: number; lastSlotAt: EpochMs } {
    const tooOld = now - settings.catchUpMs;
    let [count, lastSlotAt] = [0, slotAt];
    for (let slot: EpochMs | null = slotAt; slot !== null && slot < tooOld && count < missedMax; count += 1) {
      lastSlotAt = slot;
      slot = nextFire('', settings, slot, 0).slotAt;
    }
    return { count, lastSlotAt };
  }
}

/** Runs of a schedule that must not overlap wait here, one behind the other. */
const queueOf = (schedule: string): string => `schedule: ${schedule}`;
