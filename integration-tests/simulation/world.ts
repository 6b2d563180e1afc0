import { createHash } from 'node:crypto';
import { SeededRandom } from '../../packages/core/src/util/seeded-random.js';

/** Whose events these are: they wait while it is paused, and never come once it is dead. */
export interface Host {
  readonly name: string;
  readonly isDead: boolean;
  readonly pausedUntilMs: number;
}

interface WorldEvent {
  readonly atMs: number;
  /** Which of several at one moment comes first. */
  readonly order: number;
  readonly host: Host | null; // null = nobody's: what is on its way, and what users do
  readonly what: string;
  readonly happen: () => void | Promise<void>;
}

export interface Scheduled {
  cancel(): void;
}

/** How many lines of the trace are kept for whoever looks into a failure. */
const linesMax = 200_000;

/**
 * All that happens in a simulation, one event after the other, in an order that the seed decides. Time passes between events
 * only, and only here: an event is over when nothing that it set off in this process is left to do but what it scheduled.
 */
export class World {
  readonly random: SeededRandom;
  /** The kinds of trouble that there were. */
  readonly troubles = new Set<string>();
  readonly #events: WorldEvent[] = []; // the next one last
  readonly #hash = createHash('sha256');
  readonly #lines: string[] | null; // null = nobody reads them
  readonly #afterEvent: (() => Promise<void>)[] = [];
  #nowMs = 0;
  #count = 0;

  constructor(seed: string, { isTraced = false }: { readonly isTraced?: boolean } = {}) {
    this.random = new SeededRandom(`world ${seed}`);
    this.#lines = isTraced ? [] : null;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events there were. */
  get count(): number {
    return this.#count;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** Of all that happened: equal for equal seeds. */
  get hash(): string {
    return this.#hash.copy().digest('hex');
  }

  schedule(delayMs: number, host: Host | null, what: string, happen: WorldEvent['happen']): Scheduled {
    const atMs = momentFrom(this.#nowMs + Math.max(0, delayMs));
    const event = { atMs, order: this.random.float(), host, what, happen };
    this.#insert(event);
    return {
      cancel: () => {
        const index = this.#events.indexOf(event);
        if (index >= 0) this.#events.splice(index, 1);
      },
    };
  }

  /** Looks at something after the event under way, before the next one. */
  afterThisEvent(look: () => Promise<void>): void {
    this.#afterEvent.push(look);
  }

  trace(line: string): void {
    const text = `${this.#nowMs} ${line}\n`;
    this.#hash.update(text);
    if (this.#lines !== null && this.#lines.length < linesMax) this.#lines.push(text);
  }

  /** Lets things happen until something has come about, or the time has come; whether it has come about. */
  async run(isOver: () => boolean, untilMs: number): Promise<boolean> {
    while (!isOver()) {
      const event = this.#events.at(-1);
      if (event === undefined || event.atMs > untilMs) {
        this.#nowMs = untilMs;
        return false;
      }
      this.#events.pop();
      await this.#let(event);
    }
    return true;
  }

  /** A number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random.float() * (most - least + 1));
  }

  async #let(event: WorldEvent): Promise<void> {
    const { host, what } = event;
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    if (host?.isDead === true) return;
    if (host !== null && host.pausedUntilMs > this.#nowMs) {
      this.#insert({ ...event, atMs: momentFrom(host.pausedUntilMs) });
      return;
    }
    this.#count += 1;
    this.trace(`${host?.name ?? '-'} ${what}`);
    await event.happen();
    await settled();
    while (this.#afterEvent.length > 0) await this.#afterEvent.shift()!();
  }

  #insert(event: WorldEvent): void {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(event, this.#events[middle]!)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }
}

/** Moments are even numbers of milliseconds, so that those of the database are told from all others (HostClock). */
const momentFrom = (ms: number): number => 2 * Math.ceil(ms / 2);

const isBefore = (one: WorldEvent, other: WorldEvent): boolean =>
  one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs;

/** Every microtask that is queued has run, and those that they queue. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
