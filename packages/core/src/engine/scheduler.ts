import { isDeepStrictEqual } from 'node:util';
import type { Database, Queryable } from '../database/database.js';
import { missedSlots } from '../schedule/missed-slots.js';
import { nextFire, slotArgument, slotId } from '../schedule/next-fire.js';
import type { ScheduleDefinition } from '../schedule/schedule-settings.js';
import type { EpochMs, Timer } from '../seams/clock.js';
import type { ScheduleRecord, ScheduleStore } from '../store/schedules.js';
import type { RunRecord } from '../store/records.js';
import { deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';
import type { EngineServices } from './engine-services.js';
import { isPassing } from './retry-while-unavailable.js';
import { slotRequest, type SlotStart } from './slot-starts.js';
import type { Versions } from './versions.js';

export interface SchedulerOptions {
  readonly services: EngineServices;
  readonly versions: Versions;
  readonly database: Database;
  readonly schedules: ScheduleStore;
  /** The schedules that this process's code declares and can run. */
  readonly definitions: () => readonly ScheduleDefinition[];
  readonly beforeRound: () => Promise<void>;
  readonly newStart: () => SlotStart;
  readonly findRun: (workflowId: string) => Promise<RunRecord | null>;
  readonly cancel: (workflowId: string) => Promise<void>;
  /** Runs were started. */
  readonly onFired: () => void;
}

/** A change that no notification told of is found after this long. */
const lookMs = 30_000;

/** Further schedules that are due follow at once. */
const schedulesMax = 100;

/** After a round that failed, as it does while the database is away. */
const retryMs = 1_000;

/**
 * Fires what is due, for one engine. A schedule moves on from a slot in the transaction that holds the slot's run, and only if
 * nobody else has moved it: each slot fires once, whoever else tries and whatever crashes.
 *
 * All of it goes by the database's clock; the process's own only counts how long to wait until the next slot.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #loop: Loop;
  readonly #stopped = deferred<void>();
  /** Schedules that cannot fire, by the time (monotonic) when they are tried again: they must not hold up the others. */
  readonly #asideUntilMs = new Map<string, number>();
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
    this.#asideUntilMs.clear();
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#stopped.resolve();
    await this.#loop.stop();
    this.#timer?.cancel();
  }

  async #round(): Promise<void> {
    this.#timer?.cancel();
    try {
      await this.#look();
    } catch (error) {
      this.#lookIn(retryMs);
      throw error;
    }
  }

  async #look(): Promise<void> {
    const { services, schedules, definitions, beforeRound } = this.#options;
    await beforeRound();
    const workflows = services.registry.all().map(({ name }) => name);
    if (workflows.length === 0) return;
    const found = await schedules.upcoming({
      names: definitions().map(({ name }) => name),
      workflows,
      except: this.#setAside(),
      max: schedulesMax,
      now: services.clock.sqlNow(),
    });
    const due = found.schedules.filter(({ nextFireAt }) => nextFireAt !== null && nextFireAt <= found.now);
    for (const schedule of due) await this.#tryToFire(schedule, found.now);
    if (due.length > 0) {
      // What follows is known only now: the schedules that fired have moved on.
      this.#loop.wake();
      return;
    }
    const next = found.schedules[0]?.nextFireAt ?? null;
    // Time that passed since the question counts as far as it is known: a clock that is moved by hand has no other way to tell.
    if (next !== null) this.#lookIn(Math.max(0, next - (services.clock.sqlNow() ?? found.now)));
  }

  #lookIn(delayMs: number): void {
    this.#timer = this.#options.services.clock.setTimer(delayMs, () => this.#loop.wake(), { background: true });
  }

  #setAside(): string[] {
    const nowMs = this.#options.services.clock.monotonicMs();
    for (const [name, untilMs] of this.#asideUntilMs) if (untilMs <= nowMs) this.#asideUntilMs.delete(name);
    return [...this.#asideUntilMs.keys()];
  }

  /** What is wrong with one schedule (its queue is gone, its workflow refuses the input) is nothing to the others. */
  async #tryToFire(schedule: ScheduleRecord, now: EpochMs): Promise<void> {
    const { clock, logger } = this.#options.services;
    try {
      await this.#fire(schedule, now);
    } catch (error) {
      if (isPassing(error)) throw error;
      this.#asideUntilMs.set(schedule.name, clock.monotonicMs() + lookMs);
      logger.error({ err: error, schedule: schedule.name }, 'a schedule could not fire; it is tried again');
    }
  }

  /** One slot of one schedule: it fires, or is left out. */
  async #fire(schedule: ScheduleRecord, now: EpochMs): Promise<void> {
    const { services, versions, schedules, newStart, findRun, cancel, onFired } = this.#options;
    const { name, settings, nextSlotAt: slotAt, lastWorkflowId, fired } = schedule;
    if (slotAt === null) return;
    const missed = missedSlots(settings, slotAt, now);
    if (missed.count > 0) {
      const next = nextFire(name, settings, missed.lastSlotAt, fired);
      await this.#move(schedule, (tx) =>
        schedules.advance(tx, { name, slotAt, next, fired: null, missed: missed.count, skipped: 0 }),
      );
      // Many more may have to be counted: everything else in this process has its turn first.
      await new Promise<void>((resolve) => services.clock.nextMacrotask(resolve));
      return;
    }
    const previous = lastWorkflowId === null || settings.overlap === 'allow' ? null : await findRun(lastWorkflowId);
    const isRunning = previous !== null && previous.finishedAt === null;
    const isSkipped = isRunning && settings.overlap === 'skip';
    const workflowId = slotId(name, slotAt);
    const next = nextFire(name, settings, slotAt, isSkipped ? fired : fired + 1);
    const step = { name, slotAt, next, missed: 0 };
    if (isSkipped) {
      await this.#move(schedule, (tx) => schedules.advance(tx, { ...step, fired: null, skipped: 1 }));
      return;
    }
    if (isRunning && settings.overlap === 'cancel-previous') {
      // First, because nobody would do it any more if this process died after the commit.
      const isCancelled = cancel(previous.workflowId).then(() => true);
      // Without an answer before this engine stops, the slot is left to another one.
      if (!(await Promise.race([isCancelled, this.#stopped.promise.then(() => false)]))) return;
    }
    const start = newStart();
    const fire = async (tx: Queryable): Promise<boolean> => {
      if (!(await schedules.advance(tx, { ...step, fired: workflowId, skipped: 0 }))) return false;
      const input = schedule.input === null ? undefined : services.codec.decode(schedule.input);
      const argument = slotArgument(name, slotAt, input);
      const request = slotRequest(versions, schedule.workflow, argument, workflowId, settings.start);
      await start.makeIn(tx, request, settings.overlap === 'queue' ? queueOf(name) : null);
      return true;
    };
    if (await start.around(() => this.#move(schedule, fire))) onFired();
  }

  /** Nothing happens if the schedule is not what it was when it was read: what was made of it may be wrong. */
  async #move(schedule: ScheduleRecord, move: (tx: Queryable) => Promise<boolean>): Promise<boolean> {
    const { database, schedules } = this.#options;
    return await database.transaction(async (tx) => {
      const [current] = await schedules.list(tx, schedule.name, 'lock');
      return isDeepStrictEqual(current, schedule) && (await move(tx));
    });
  }
}

/** Runs of a schedule that must not overlap wait here, one behind the other. */
const queueOf = (schedule: string): string => `schedule: ${schedule}`;
