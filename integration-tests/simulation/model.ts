import { isDeepStrictEqual } from 'node:util';
import type { Ask, Op, Program } from './program.js';

/** Whether a program may have had this result: what the engine has to agree with, worked out without it. */
export function accepts(program: Program, result: unknown, messages: Ask['messages']): boolean {
  return (
    Array.isArray(result) &&
    result.length === program.length &&
    program.every((op, index) => acceptsOp(op, result[index], messages))
  );
}

function acceptsOp(op: Op, value: unknown, messages: Ask['messages']): boolean {
  switch (op.kind) {
    case 'step':
    case 'transaction':
      return value === op.value;
    case 'doomed':
      return value === `${op.path} fails`;
    case 'sleep':
      return value === 'slept';
    // The same in every replay, so that what was recorded is what the function still has.
    case 'random':
      return Array.isArray(value) && value.length === 2 && isDeepStrictEqual(value[0], value[1]);
    case 'all':
      return (
        Array.isArray(value) &&
        value.length === op.branches.length &&
        op.branches.every((branch, index) => accepts(branch, value[index], messages))
      );
    case 'race': {
      const [winner, its] = Array.isArray(value) ? (value as [number, unknown]) : [];
      const branch = winner === undefined ? undefined : op.branches[winner];
      return branch !== undefined && accepts(branch, its, messages);
    }
    case 'child':
      return accepts(op.program, value, messages);
    case 'talk': {
      const sum = op.values.reduce((all, one) => all + one, 0);
      return isDeepStrictEqual(value, [op.withEvent ? sum : null, [[...op.values]]]);
    }
    case 'listen':
      return Array.isArray(value) && value.length === op.count;
    case 'receive':
      return isDeepStrictEqual(value, messages[op.topic]);
    case 'wait':
      return value === 'nothing came';
    case 'stream':
      return value === op.values.length;
  }
}

/** The streams that a run has written when it has completed, by name. */
export function streamsOf(program: Program): Map<string, readonly number[]> {
  const streams = new Map<string, readonly number[]>();
  for (const op of program) {
    if (op.kind === 'stream') streams.set(op.path, op.values);
    if (op.kind === 'all')
      for (const branch of op.branches) for (const [path, values] of streamsOf(branch)) streams.set(path, values);
  }
  return streams;
}

/** The transactional steps that a run has committed when it has completed. Those of a race may have lost it. */
export function transactionsOf(program: Program): string[] {
  return program.flatMap((op) => {
    if (op.kind === 'transaction') return [op.path];
    return op.kind === 'all' ? op.branches.flatMap(transactionsOf) : [];
  });
}
