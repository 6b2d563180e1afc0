import type { Codec } from '../codec/codec.js';
import { CarrierError } from '../errors/carrier-errors.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type { CapturedTrace } from '../tracing/traced-run.js';
import { checkList, checkObject } from '../util/given.js';
import { checkKey } from './names.js';

/**
 * Carries something of the surroundings of a start into the run, such as who it is done for: taken from the code that
 * starts it, stored with it, and put back around its workflow function and the body of each step, in whichever process.
 */
export interface Carrier<Value = unknown> {
  /** What the value is stored under; it must not change while runs are in flight. */
  readonly name: string;
  /**
   * Called by each start, synchronously. Plain data, at most 8 KiB of it encoded, and no secrets: it is stored as it is.
   * Undefined is nothing; a run that a workflow or a step starts then has what that run carries.
   */
  capture(): Value | undefined;
  /** Calls the function with the value put back, and returns what that returns. Called only where there is a value. */
  run<T>(value: Value, fn: () => T): T;
}

/** What a run carries, by the name of the carrier. */
export type Carried = Readonly<Record<string, unknown>>;

/** What a start took along, encoded (null = nothing), or why that failed, which is an error of the start. */
export type CapturedByCarriers = { readonly encoded: string | null } | { readonly error: unknown };

/** What a start takes along of its surroundings. */
export interface Captured {
  readonly carried: CapturedByCarriers;
  readonly trace: CapturedTrace | null; // null = none
}

/** Of each carrier. */
export const carriedBytesMax = 8 * 1024;

/** The carriers of an engine, in their order: the first is the outermost. */
export class Carriers {
  readonly #carriers: readonly Carrier[];
  readonly #codec: Codec;

  /** @param codec refuses what is larger than {@link carriedBytesMax} */
  constructor(carriers: readonly Carrier[], codec: Codec) {
    this.#carriers = carriers;
    this.#codec = codec;
  }

  /**
   * Asks every carrier; never throws, because a workflow that is replayed asks too, and then it doesn't matter.
   *
   * @param inherited what the run carries that makes the start; null = none makes it, or nothing
   */
  capture(inherited: string | null): CapturedByCarriers {
    if (this.#carriers.length === 0) return { encoded: inherited };
    try {
      const own = this.#carriers.flatMap((carrier) => {
        const value = this.#ask(carrier);
        return value === undefined ? [] : [[carrier.name, value] as const];
      });
      if (own.length === 0) return { encoded: inherited };
      const all = [...Object.entries(this.read(inherited)), ...own];
      return { encoded: this.#codec.encodeRecord(Object.fromEntries(all)) };
    } catch (error) {
      return { error };
    }
  }

  /**
   * Calls a function with everything put back. Each time from what is stored: what one step does to a value, no other sees.
   *
   * @throws {CarrierError} if a carrier throws before it has called the function
   */
  restore<T>(carried: string | null, fn: () => Promise<T>): Promise<T> {
    if (carried === null) return fn();
    const values = this.read(carried);
    const outermost = this.#carriers
      .filter(({ name }) => Object.hasOwn(values, name))
      .reduceRight((inner, carrier) => () => enter(carrier, values[carrier.name], inner), fn);
    return outermost();
  }

  read(carried: string | null): Carried {
    return carried === null ? {} : (this.#codec.decode(carried) as Carried);
  }

  #ask(carrier: Carrier): unknown {
    try {
      const value = carrier.capture();
      // Each by itself, to say whose value it is that cannot be stored.
      this.#codec.encode(value);
      return value;
    } catch (cause) {
      throw new CarrierError(carrier.name, 'capture', cause);
    }
  }
}

/** @throws {InvalidArgumentError} for a name that doesn't hold, or that two carriers have */
export function checkCarriers(carriers: readonly Carrier[]): readonly Carrier[] {
  const names = new Set<string>();
  checkList('carriers', carriers);
  for (const carrier of carriers) {
    checkObject('A carrier', carrier);
    const { name } = carrier;
    checkKey('The name of a carrier', name);
    if (names.has(name)) throw new InvalidArgumentError(`Two carriers are named "${name}". Rename one.`);
    names.add(name);
  }
  return carriers;
}

/**
 * The result is the function's own: what a carrier returns instead, or throws after it has called the function, is not the
 * work that it was asked to do.
 */
function enter<T>(carrier: Carrier, value: unknown, fn: () => Promise<T>): Promise<T> {
  const results: Promise<T>[] = [];
  try {
    const returned: unknown = carrier.run(value, () => (results[0] ??= fn()));
    // Wrapped around ours by an async carrier, its rejection is one that nobody else would hear.
    if (returned instanceof Promise) returned.catch(() => {});
  } catch (cause) {
    if (results[0] === undefined) throw new CarrierError(carrier.name, 'run', cause);
  }
  if (results[0] === undefined) throw new CarrierError(carrier.name, 'run', new Error('It did not call the function.'));
  return results[0];
}
