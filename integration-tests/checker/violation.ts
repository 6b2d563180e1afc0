import type { AuditEvent, ClientEvent, Fault, LedgerLine } from './evidence.js';

export const invariants = {
  W1: 'every acknowledged start reaches an outcome once faults stop',
  W2: 'every observer of a result sees the same value, which is that of the model',
  W3: 'outcomes never change, and nothing is written to a run after its outcome',
  S1: 'no step begins after its checkpoint was recorded',
  S2: 'a transactional step leaves exactly one row in the user’s table',
  S3: 'a step runs again only where its run went to another claim, or a declared retry was due',
  S4: 'recorded steps have no gaps and are those of the model, and replay issues the same calls',
  O1: 'one claim at a time, never the same one twice, and attempts do not go back',
  O2: 'no write of a run by anybody but its owner',
  Q1: 'no more run at once than the limits of a queue allow',
  Q2: 'no more begin within a period than the rate of a queue allows',
  Q3: 'items begin in their order',
  Q4: 'at most one unfinished item has a deduplication id',
  M1: 'each acknowledged message is received once, in the order of its sender',
  T1: 'no timer fires early',
  C1: 'each slot of a schedule has exactly one run',
  X1: 'after a cancellation no step begins, and the run is cancelled',
  P1: 'a run that kills its processes is given up after exactly its tries, and no other is',
  R1: 'at rest nothing is left open',
  E1: 'user code sees no infrastructure error',
} as const;

export type InvariantId = keyof typeof invariants;

export interface Violation {
  readonly invariant: InvariantId;
  readonly seed: string;
  readonly workflowId: string | null; // null = not of one run
  readonly what: string;
  /** The events that show it, and no others, in the order of time. */
  readonly history: readonly string[];
}

/** What an invariant finds; {@link Violation} says of which. */
export interface Finding {
  readonly workflowId: string | null;
  readonly what: string;
  readonly history: readonly Told[];
}

export type Told = AuditEvent | ClientEvent | Fault | LedgerLine;

export function tell(events: readonly Told[]): string[] {
  return events.toSorted((a, b) => a.at - b.at).map(line);
}

function line(event: Told): string {
  const { at, ...facts } = event;
  const words = Object.entries(facts)
    .filter(([, value]) => value !== null && value !== '' && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${new Date(at).toISOString().slice(11, 23)} ${words.join(' ')}`;
}
