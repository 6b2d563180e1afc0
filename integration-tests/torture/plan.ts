import { Dice } from './generate.js';

export type FaultKind = 'kill' | 'pause' | 'term' | 'cut' | 'terminate' | 'restart' | 'deploy';

/** How often each fault comes about in a minute. */
export type FaultRates = Readonly<Record<FaultKind, number>>;

export interface PlannedFault {
  readonly atMs: number;
  readonly kind: FaultKind;
}

/**
 * What is done to processes and to the database, and when: the same for the same seed. Which process is hit is drawn from
 * those that are there then.
 */
export function planFaults(seed: string, rates: FaultRates, forMs: number): PlannedFault[] {
  const dice = new Dice(`${seed} faults`);
  const planned = (Object.keys(rates) as FaultKind[]).flatMap((kind) => {
    const count = Math.round((rates[kind] * forMs) / 60_000);
    // One in each stretch of equal length, so that each kind is spread over all of the time.
    return Array.from({ length: count }, (_, no) => ({ atMs: ((no + dice.float()) * forMs) / count, kind }));
  });
  return planned.toSorted((a, b) => a.atMs - b.atMs);
}
