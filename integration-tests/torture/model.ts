import type { Expectation } from '../checker/evidence.js';
import type { Op, Program } from './programs.js';

/** What a program comes to. Nothing here waits, fails or is repeated: it only counts. */
export function expectations(program: Program): ReadonlyMap<string, Expectation> {
  const all = new Map<string, Expectation>();
  expectProgram(program, all);
  return all;
}

/** How each value follows from the one before; the programs' own arithmetic, which has nothing to do with the engine. */
export const mix = (value: number, more: number): number => (value * 31 + more) % 1_000_003;

/** What a message is worth, of those to one topic. */
export const worthOf = (no: number): number => no + 1;

function expectProgram({ workflowId, ops }: Program, all: Map<string, Expectation>): Expectation {
  let value = 0;
  const steps: string[] = [];
  const receives: Record<string, number> = {};
  let bookings = 0;
  let end: Expectation['end'] = 'completed';

  const perform = (op: Op, from: number): number => {
    switch (op.op) {
      case 'step':
      case 'flaky':
      case 'overtake':
        steps.push(op.name);
        return mix(from, op.add);
      case 'declined':
        steps.push(op.name);
        return mix(from, 7);
      case 'book':
        steps.push(op.name);
        bookings += 1;
        return mix(from, op.add);
      case 'sleep':
        steps.push(`${op.name} before`, `${op.name} after`);
        return mix(from, op.ms);
      case 'race':
        steps.push(`${op.name} first`, `${op.name} second`, `${op.name} after first|${op.name} after second`);
        return mix(from, op.first + op.second);
      case 'chains':
        return op.chains.map((chain) => chain.reduce((sum, one) => perform(one, sum), from)).reduce(mix, from);
      case 'child':
      case 'queued': {
        const child = expectProgram(op.program, all);
        if (child.end === 'cancelled') end = 'cancelled';
        return mix(from, (child.result as { value: number }).value);
      }
      case 'receive': {
        receives[op.topic] = op.count;
        steps.push(...Array.from({ length: op.count }, () => op.name));
        const worth = Array.from({ length: op.count }, (_, no) => worthOf(no)).reduce((sum, one) => sum + one, 0);
        return mix(from, worth);
      }
      case 'exchange': {
        const child = expectProgram(op.child, all);
        return mix(mix(from, op.value * 2), (child.result as { value: number }).value);
      }
      case 'answer':
        return from;
      case 'forever':
        end = 'cancelled';
        return from;
      case 'poison':
        end = 'dead';
        return from;
    }
  };

  for (const op of ops) value = perform(op, value);
  const expected: Expectation = { end, result: { value }, steps, bookings, receives };
  all.set(workflowId, expected);
  return expected;
}
