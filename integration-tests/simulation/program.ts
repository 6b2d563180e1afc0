import type { SeededRandom } from '../../packages/core/src/util/seeded-random.js';

/** What a workflow of a simulation does, one after the other. It is the input of its run, so it is plain data. */
export type Program = readonly Op[];

export type Op =
  /** Takes a while, fails so many times first, and is worth a value. */
  | {
      readonly kind: 'step';
      readonly path: string;
      readonly value: number;
      readonly takesMs: number;
      readonly failures: number;
    }
  /** Fails whenever it is tried, and the workflow catches that. */
  | { readonly kind: 'doomed'; readonly path: string; readonly retries: number }
  | { readonly kind: 'transaction'; readonly path: string; readonly value: number }
  | { readonly kind: 'sleep'; readonly path: string; readonly ms: number }
  | { readonly kind: 'random'; readonly path: string }
  | { readonly kind: 'all'; readonly branches: readonly Program[] }
  | { readonly kind: 'race'; readonly branches: readonly Program[] }
  /** A child, in a queue or not; called, or started and waited for. */
  | {
      readonly kind: 'child';
      readonly program: Program;
      readonly queue: QueueName | null;
      readonly isCalled: boolean;
    }
  /** A child that is sent messages, and that its parent asks for what it made of them. */
  | { readonly kind: 'talk'; readonly values: readonly number[]; readonly withEvent: boolean; readonly path: string }
  /** The child's part of that. */
  | { readonly kind: 'listen'; readonly count: number; readonly withEvent: boolean }
  /** Messages of a user, in the order in which they were sent. */
  | { readonly kind: 'receive'; readonly topic: string; readonly count: number }
  /** Nobody sends anything. */
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'stream'; readonly path: string; readonly values: readonly number[] };

export type QueueName = 'narrow' | 'wide';

/** The most items of each queue that may run at once. */
export const concurrencyOf: Readonly<Record<QueueName, number>> = { narrow: 1, wide: 3 };

/** What a user asks for. */
export interface Ask {
  readonly workflowId: string;
  /** Whether it does something first that it undoes when it is cancelled, or late. */
  readonly isSaga: boolean;
  readonly program: Program;
  readonly queue: QueueName | null;
  readonly atMs: number;
  /** By topic. */
  readonly messages: Readonly<Record<string, readonly number[]>>;
  readonly cancelledAtMs: number | null; // null = never
  readonly timeoutMs: number | null; // null = none
}

/** Programs at random, in which nothing waits for what never comes. */
export class ProgramMaker {
  readonly #random: SeededRandom;
  #paths = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  ask(no: number, withinMs: number): Ask {
    const queue = this.#is(0.25) ? this.#queue() : null;
    const messages: Record<string, number[]> = {};
    const program: Op[] = [...this.#program(this.#between(1, 5), { depth: 2, isQueued: queue !== null })];
    if (this.#is(0.35)) {
      const topic = `topic-${no}`;
      messages[topic] = this.#numbers(this.#between(1, 4));
      program.splice(this.#between(0, program.length), 0, { kind: 'receive', topic, count: messages[topic].length });
    }
    return {
      workflowId: `run-${no}`,
      isSaga: false,
      program,
      queue,
      atMs: this.#between(0, withinMs),
      messages,
      cancelledAtMs: this.#is(0.08) ? this.#between(0, 2 * withinMs) : null,
      timeoutMs: this.#is(0.08) ? 2 * this.#between(200, 4_000) : null,
    };
  }

  #program(length: number, place: Place): Program {
    return Array.from({ length }, () => this.#op(place));
  }

  #op(place: Place): Op {
    const inner = { ...place, depth: place.depth - 1 };
    const path = `op-${this.#paths++}`;
    const draw = this.#random.float();
    if (place.depth === 0 || draw < 0.5) return this.#leaf(path);
    if (draw < 0.54) return { kind: 'wait', ms: 2 * this.#between(1, 1_000) };
    if (draw < 0.6) return { kind: 'stream', path, values: this.#numbers(this.#between(1, 3)) };
    if (draw < 0.7) return { kind: 'all', branches: this.#branches(inner) };
    // What loses is left alone, and nobody would talk to it any more.
    if (draw < 0.8) return { kind: 'race', branches: this.#branches({ ...inner, depth: 0 }) };
    if (draw < 0.88) {
      return { kind: 'talk', values: this.#numbers(this.#between(1, 3)), withEvent: this.#is(0.5), path };
    }
    // Whoever waits for a child keeps its own place in its queue.
    const queue = !place.isQueued && this.#is(0.5) ? this.#queue() : null;
    const program = this.#program(this.#between(1, 2), { ...inner, isQueued: place.isQueued || queue !== null });
    return { kind: 'child', program, queue, isCalled: this.#is(0.5) };
  }

  #leaf(path: string): Op {
    const draw = this.#random.float();
    if (draw < 0.1) return { kind: 'doomed', path, retries: this.#between(0, 2) };
    if (draw < 0.2) return { kind: 'transaction', path, value: this.#between(1, 99) };
    if (draw < 0.3) return { kind: 'sleep', path, ms: 2 * this.#between(0, this.#is(0.3) ? 3_000 : 300) };
    if (draw < 0.36) return { kind: 'random', path };
    const takesMs = this.#is(0.4) ? 2 * this.#between(1, this.#is(0.2) ? 2_000 : 200) : 0;
    const failures = this.#is(0.15) ? this.#between(1, 2) : 0;
    return { kind: 'step', path, value: this.#between(1, 99), takesMs, failures };
  }

  #branches(place: Place): Program[] {
    return Array.from({ length: this.#between(2, 3) }, () => this.#program(this.#between(1, 2), place));
  }

  #queue(): QueueName {
    return this.#is(0.4) ? 'narrow' : 'wide';
  }

  #numbers(count: number): number[] {
    return Array.from({ length: count }, () => this.#between(1, 99));
  }

  #between(least: number, most: number): number {
    return least + Math.floor(this.#random.float() * (most - least + 1));
  }

  #is(share: number): boolean {
    return this.#random.float() < share;
  }
}

interface Place {
  readonly depth: number;
  readonly isQueued: boolean;
}
