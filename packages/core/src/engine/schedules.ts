import type { Codec } from '../codec/codec.js';
import type { Database } from '../database/database.js';
import { InvalidArgumentError, WorkflowConflictError } from '../errors/errors.js';
import { ScheduleNotFoundError } from '../errors/schedule-errors.js';
import { patternSlotsMax } from '../schedule/missed-slots.js';
import { nextFire, slotArgument, slotId } from '../schedule/next-fire.js';
import {
  checkSchedule,
  type ScheduleDefinition,
  type ScheduleOptions,
  type ScheduleTiming,
  slotsOf,
  type StoredSchedule,
} from '../schedule/schedule-settings.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Random } from '../seams/random.js';
import type { ScheduleOrigin, ScheduleRecord, ScheduleStore } from '../store/schedules.js';
import { checkScheduleName } from '../workflow/names.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import { checkObject, told } from '../util/given.js';

/** What is known of a schedule. Times are milliseconds since 1970. */
export interface ScheduleInfo {
  readonly name: string;
  /** Whether code declares it, or it was made at run time. */
  readonly origin: ScheduleOrigin;
  readonly workflow: string;
  readonly timing: ScheduleTiming;
  readonly isPaused: boolean;
  readonly nextSlotAt: EpochMs | null; // null = it has come to its end
  readonly lastSlotAt: EpochMs | null; // null = it never fired
  /** The run that fired last. */
  readonly lastWorkflowId: string | null;
  readonly fired: number;
  /** Slots that were too old when somebody came to fire them. */
  readonly missed: number;
  /** Slots that were left out because the run of an earlier one had not ended. */
  readonly skipped: number;
}

/** A schedule that is made at run time: for a customer, say. */
export interface NewSchedule extends ScheduleOptions {
  readonly timing: ScheduleTiming;
  readonly workflow: { readonly definition: WorkflowDefinition };
  /** What its runs get as `input` of their slot. */
  readonly input?: unknown;
}

/** The schedules of a database, made, looked at and changed at run time. */
export interface ScheduleAdmin {
  list(): Promise<ScheduleInfo[]>;
  /** @throws {ScheduleNotFoundError} */
  get(name: string): Promise<ScheduleInfo>;
  /**
   * Makes a schedule, or changes the one that has the name. It fires in processes that know its workflow.
   *
   * @throws {InvalidArgumentError} for a timing or an option that doesn't hold, or if code declares a schedule of this name
   *
   * @example
   * await perdure.schedules.set(`digest ${customer.id}`, {
   *   timing: { cron: '0 8 * * MON', timeZone: customer.timeZone },
   *   workflow: digest,
   *   input: { customer: customer.id },
   * });
   */
  set(name: string, schedule: NewSchedule): Promise<void>;
  /** Slots of the meantime don't fire later. @throws {ScheduleNotFoundError} */
  pause(name: string): Promise<void>;
  /** @throws {ScheduleNotFoundError} */
  resume(name: string): Promise<void>;
  /** Runs that have fired go on. One that code declares comes back with the next launch. @throws {ScheduleNotFoundError} */
  delete(name: string): Promise<void>;
  /** Starts a run now, besides the slots; answers with its workflow id. @throws {ScheduleNotFoundError} */
  trigger(name: string): Promise<string>;
  /**
   * Starts a run for each slot of a stretch of time that has none; answers with the workflow ids of all. Only slots of the past,
   * from `from` on and before `to`; may be repeated.
   *
   * @throws {ScheduleNotFoundError}
   * @throws {InvalidArgumentError} for more than 10,000 slots
   */
  backfill(name: string, from: Date, to: Date): Promise<string[]>;
}

export interface SchedulesOptions {
  readonly store: ScheduleStore;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly definitions: () => readonly ScheduleDefinition[];
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  readonly start: (schedule: ScheduleRecord, slot: unknown, workflowId: string) => Promise<string>;
  readonly onChange: () => void;
}

const backfillMax = 10_000;

/** So many runs of a backfill are started at once. */
const backfillStartsMax = 200;

/** The schedules as one engine knows them. */
export class Schedules implements ScheduleAdmin {
  readonly #options: SchedulesOptions;
  readonly #declared = new Map<string, ScheduleDefinition>();

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** Tells the database what code declares, as far as it wasn't told yet. Fails while the database is away. */
  async declare(): Promise<void> {
    for (const definition of this.#options.definitions()) {
      if (this.#declared.get(definition.name) === definition) continue;
      const { name, workflow, settings } = definition;
      await this.#put({ name, origin: 'code', workflow: workflow.name, settings, input: null });
      this.#declared.set(name, definition);
    }
  }

  async list(): Promise<ScheduleInfo[]> {
    const { ask, store, database } = this.#options;
    await ask(() => this.declare());
    return (await ask(() => store.list(database, null, 'look'))).map(toInfo);
  }

  async get(name: string): Promise<ScheduleInfo> {
    return toInfo(await this.#find(name));
  }

  async set(name: string, given: NewSchedule): Promise<void> {
    checkScheduleName(name);
    checkObject(`Schedule "${name}"`, given);
    const { timing, workflow, input, ...options } = given;
    if ((workflow as Partial<typeof workflow> | null | undefined)?.definition === undefined) {
      throw new InvalidArgumentError(`The workflow of schedule "${name}" must be a workflow, not ${told(workflow)}`);
    }
    const settings = checkSchedule(name, timing, options);
    if (this.#options.definitions().some((definition) => definition.name === name)) {
      throw new InvalidArgumentError(`Schedule "${name}" is declared in code. Change it there, or take another name.`);
    }
    const encoded = input === undefined ? null : this.#options.codec.encode(input);
    await this.#options.ask(() =>
      this.#put({ name, origin: 'runtime', workflow: workflow.definition.name, settings, input: encoded }),
    );
    this.#options.onChange();
  }

  async pause(name: string): Promise<void> {
    await this.#setPaused(name, true);
  }

  async resume(name: string): Promise<void> {
    await this.#setPaused(name, false);
  }

  async delete(name: string): Promise<void> {
    // That it is there is settled first: it is not, where a deletion is sent again because its reply was lost.
    await this.#find(name);
    await this.#options.ask(() => this.#options.store.remove(name));
  }

  async trigger(name: string): Promise<string> {
    const { random, start } = this.#options;
    const schedule = await this.#find(name);
    return await start(schedule, this.#slot(schedule, await this.#now()), `${name}@triggered:${random.uuid()}`);
  }

  async backfill(name: string, from: Date, to: Date): Promise<string[]> {
    const [since, until] = [checkMoment(from), checkMoment(to)];
    const { clock } = this.#options;
    const schedule = await this.#find(name);
    const end = Math.min(until, (await this.#now()) + 1);
    const next = slotsOf(schedule.settings);
    const slots: EpochMs[] = [];
    for (let slot = next(since - 1); slot !== null && slot < end; slot = next(slot)) {
      if (slots.length === backfillMax) {
        throw new InvalidArgumentError(
          `There are more than ${backfillMax} slots. Backfill in several stretches of time.`,
        );
      }
      slots.push(slot);
      if (slots.length % patternSlotsMax === 0) await new Promise<void>((resolve) => clock.nextMacrotask(resolve));
    }
    for (let first = 0; first < slots.length; first += backfillStartsMax) {
      await Promise.all(slots.slice(first, first + backfillStartsMax).map((slot) => this.#startIfNew(schedule, slot)));
    }
    return slots.map((slot) => slotId(name, slot));
  }

  /** A slot that fired with another input, or another workflow, has its run all the same. */
  async #startIfNew(schedule: ScheduleRecord, slot: EpochMs): Promise<void> {
    try {
      await this.#options.start(schedule, this.#slot(schedule, slot), slotId(schedule.name, slot));
    } catch (error) {
      if (!(error instanceof WorkflowConflictError)) throw error;
    }
  }

  async #now(): Promise<EpochMs> {
    const { ask, store, database, clock } = this.#options;
    return await ask(() => store.now(database, clock.sqlNow()));
  }

  #slot({ name, input }: ScheduleRecord, at: EpochMs): unknown {
    return slotArgument(name, at, input === null ? undefined : this.#options.codec.decode(input));
  }

  async #find(name: string): Promise<ScheduleRecord> {
    const { ask, store, database } = this.#options;
    await ask(() => this.declare());
    const [schedule] = await ask(() => store.list(database, name, 'look'));
    if (schedule === undefined) throw new ScheduleNotFoundError(name);
    return schedule;
  }

  /** Its next slot stays what it is, unless its timing has changed. */
  async #put(given: Pick<ScheduleRecord, 'name' | 'origin' | 'workflow' | 'settings' | 'input'>): Promise<void> {
    const { store, database, clock } = this.#options;
    for (let isWritten = false; !isWritten;) {
      isWritten = await database.transaction(async (tx) => {
        const [known] = await store.list(tx, given.name, 'lock');
        if (known !== undefined && hasSameTiming(known.settings, given.settings)) {
          return await store.put(tx, given, { slotAt: known.nextSlotAt, fireAt: known.nextFireAt }, 'known');
        }
        const next = nextFire(given.name, given.settings, await store.now(tx, clock.sqlNow()), known?.fired ?? 0);
        // Somebody else who makes it at the same moment may have fired it already: then its place is looked at again.
        return await store.put(tx, given, next, known === undefined ? 'new' : 'known');
      });
    }
  }

  async #setPaused(name: string, paused: boolean): Promise<void> {
    const { store, database, clock, ask, onChange } = this.#options;
    await ask(() => this.declare());
    await ask(() =>
      database.transaction(async (tx) => {
        const [known] = await store.list(tx, name, 'lock');
        if (known === undefined) throw new ScheduleNotFoundError(name);
        if (known.isPaused === paused) return;
        const next = nextFire(name, known.settings, await store.now(tx, clock.sqlNow()), known.fired);
        await store.setPaused(tx, name, paused, next);
      }),
    );
    onChange();
  }
}

function hasSameTiming(a: StoredSchedule, b: StoredSchedule): boolean {
  const names = ['cron', 'timeZone', 'everyMs', 'jitterMs', 'from', 'until', 'maxRuns'] as const;
  return names.every((name) => a[name] === b[name]);
}

function toInfo({ settings, nextFireAt: _, input: __, ...schedule }: ScheduleRecord): ScheduleInfo {
  const { cron, timeZone, everyMs } = settings;
  return { ...schedule, timing: cron === null ? { every: everyMs ?? 0 } : { cron, timeZone: timeZone ?? 'UTC' } };
}

function checkMoment(date: Date): EpochMs {
  const at = date.getTime();
  if (!Number.isNaN(at)) return at;
  throw new InvalidArgumentError('backfill needs two valid Dates');
}
