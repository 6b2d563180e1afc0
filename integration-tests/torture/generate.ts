import { SeededRandom } from '../../packages/core/src/util/seeded-random.js';
import { keys, type Op, type PlainOp, type Program, type QueueName } from './programs.js';

/** The same numbers for the same seed. */
export class Dice {
  readonly #random: SeededRandom;

  constructor(seed: string) {
    this.#random = new SeededRandom(seed);
  }

  float(): number {
    return this.#random.float();
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#random.float() * (most - least + 1));
  }

  one<T>(of: readonly T[]): T {
    return of[this.between(0, of.length - 1)]!;
  }

  /** One of the names, as often as its weight says. */
  weighed<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const names = Object.keys(weights) as Name[];
    let left = this.#random.float() * names.reduce((sum, name) => sum + weights[name], 0);
    return names.find((name) => (left -= weights[name]) < 0) ?? names[0]!;
  }
}

const weights = {
  plain: 50,
  race: 6,
  overtake: 4,
  chains: 10,
  child: 12,
  queued: 9,
  receive: 7,
  exchange: 4,
} as const;

const plainWeights = { step: 55, flaky: 12, declined: 6, book: 15, sleep: 12 } as const;

/** A program that ends, with all of its children's. */
export function generateProgram(dice: Dice, workflowId: string): Program {
  let steps = 0;
  let children = 0;
  const nextName = (): string => `s${steps++}`;
  const nextId = (): string => `${workflowId}.${children++}`;

  const plain = (): PlainOp => {
    const [op, name, add] = [dice.weighed(plainWeights), nextName(), dice.between(1, 1_000)];
    switch (op) {
      case 'step':
        return { op, name, add, takesMs: dice.float() < 0.2 ? dice.between(20, 120) : dice.between(0, 5) };
      case 'flaky':
        return { op, name, add, failures: dice.between(1, 3) };
      case 'declined':
        return { op, name };
      case 'book':
        return { op, name, add };
      case 'sleep':
        return { op, name, ms: dice.between(1, 600) };
    }
  };
  const plains = (most: number): PlainOp[] => Array.from({ length: dice.between(1, most) }, plain);
  const any = (depth: number): Op => {
    const op = dice.weighed(weights);
    // Deeper down there are no more children.
    if (depth === 2 && ['child', 'queued', 'exchange'].includes(op)) return plain();
    switch (op) {
      case 'plain':
        return plain();
      case 'race':
        return { op, name: nextName(), first: dice.between(0, 20), second: dice.between(0, 20) };
      case 'overtake':
        return { op, name: nextName(), add: dice.between(1, 1_000) };
      case 'chains':
        return { op, chains: Array.from({ length: dice.between(2, 3) }, () => plains(3)) };
      case 'child':
        return { op, program: program(nextId(), depth + 1), isCalled: dice.float() < 0.5 };
      case 'queued': {
        const queue: QueueName = dice.one(['narrow', 'keyed', 'rated'] as const);
        const key = queue === 'keyed' ? dice.one(keys) : '';
        return { op, program: { workflowId: nextId(), ops: plains(2) }, queue, key };
      }
      case 'receive':
        // What clients send, they send to the runs that they started.
        return depth > 0 ? plain() : { op, name: nextName(), topic: nextName(), count: dice.between(1, 4) };
      case 'exchange': {
        const name = nextName();
        const ops: Op[] = [...plains(1), { op: 'answer', to: idOf(depth), name }, ...plains(1)];
        return { op, name, value: dice.between(1, 1_000), child: { workflowId: nextId(), ops } };
      }
    }
  };
  const ids: string[] = [];
  const idOf = (depth: number): string => ids[depth]!;
  const program = (id: string, depth: number): Program => {
    ids[depth] = id;
    return { workflowId: id, ops: Array.from({ length: dice.between(1, depth === 0 ? 5 : 3) }, () => any(depth)) };
  };
  return program(workflowId, 0);
}

/** A program that waits for ever in the end, or has a child that does. */
export function generateEndless(dice: Dice, workflowId: string): Program {
  const begin = (): Op => ({ op: 'step', name: 'begin', add: 1, takesMs: dice.between(0, 20) });
  const endless = (id: string): Program => ({ workflowId: id, ops: [begin(), { op: 'forever' }] });
  if (dice.float() < 0.5) return endless(workflowId);
  return { workflowId, ops: [begin(), { op: 'child', program: endless(`${workflowId}.0`), isCalled: true }] };
}

/** One or two plain steps, for a queue. */
export function generateLeaf(dice: Dice, workflowId: string): Program {
  const add = dice.between(1, 1_000);
  return { workflowId, ops: [{ op: 'step', name: 's0', add, takesMs: dice.between(0, 40) }] };
}
