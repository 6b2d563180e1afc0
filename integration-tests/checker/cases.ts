import type {
  AuditEvent,
  CheckpointEvent,
  ClientEvent,
  Evidence,
  ExecutorEvent,
  LedgerLine,
  OutcomeEvent,
  RunEvent,
} from './evidence.js';
import { findStalls, type Stalls } from './stalls.js';

/** Everything that is known of one run. */
export interface RunCase {
  readonly workflowId: string;
  readonly ledger: readonly LedgerLine[];
  readonly clients: readonly ClientEvent[];
  readonly audit: readonly AuditEvent[];
  readonly runEvents: readonly RunEvent[];
  readonly checkpoints: readonly CheckpointEvent[];
  readonly outcomes: readonly OutcomeEvent[];
}

/** The evidence, sorted by what it is of. */
export interface Cases {
  readonly evidence: Evidence;
  readonly runs: readonly RunCase[];
  /** The process of each executor. */
  readonly processOf: ReadonlyMap<string, string>;
  readonly executorEvents: readonly ExecutorEvent[];
  readonly stalls: Stalls;
}

interface OpenCase {
  readonly ledger: LedgerLine[];
  readonly clients: ClientEvent[];
  readonly audit: AuditEvent[];
}

export function sortEvidence(evidence: Evidence): Cases {
  const open = new Map<string, OpenCase>();
  const caseOf = (workflowId: string): OpenCase => {
    const found = open.get(workflowId) ?? { ledger: [], clients: [], audit: [] };
    open.set(workflowId, found);
    return found;
  };
  // By when it happened: a process may be stopped in between, and write its line long after.
  const ledger = evidence.ledger.toSorted((a, b) => a.at - b.at);
  for (const line of ledger) caseOf(line.workflowId).ledger.push(line);
  for (const event of evidence.clients) caseOf(event.workflowId).clients.push(event);
  for (const event of evidence.audit) if ('workflowId' in event) caseOf(event.workflowId).audit.push(event);
  const executorEvents = evidence.audit.filter((event) => event.noun === 'executor');
  const registered = executorEvents.filter(({ change }) => change === 'insert');
  return {
    evidence,
    runs: [...open].map(([workflowId, { ledger, clients, audit }]) => ({
      workflowId,
      ledger,
      clients,
      audit,
      runEvents: audit.filter((event) => event.noun === 'run'),
      checkpoints: audit.filter((event) => event.noun === 'checkpoint'),
      outcomes: audit.filter((event) => event.noun === 'outcome'),
    })),
    processOf: new Map(registered.map(({ executorId, writer }) => [executorId, writer])),
    executorEvents,
    stalls: findStalls(evidence.faults),
  };
}
