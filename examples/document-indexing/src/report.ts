import type { Database } from '@perdure/core';
import { type LedgerLine, readLedger } from './ledger.js';
import { Passages } from './passages.js';
import { ledgerPath, schema } from './storage.js';

/** What happened, counted from the served files, the table and the ledger: what the engine believes plays no part. */
export interface Report {
  readonly documents: number;
  readonly indexed: number;
  readonly passages: number;
  readonly duplicatePassages: number;
  readonly repeatedSteps: number;
  readonly inFlightAtKill: number;
  readonly recovered: boolean;
}

/**
 * The steps that the kill interrupted: their bodies have begun, and Postgres holds no result of them. So a step counts
 * whose body had just ended, but whose result was still on its way. To be asked between the kill and the next process.
 */
export async function stepsInFlight(database: Database): Promise<Set<string>> {
  const stored = await database.query<{ key: string }>({
    name: 'demo_stored_steps',
    text: `select workflow_id || ':' || seq as key from ${schema}.checkpoints where kind = 'step'`,
    values: [],
  });
  const inFlight = new Set(begins(readLedger(ledgerPath)).map(({ key }) => key));
  for (const { key } of stored) inFlight.delete(key);
  return inFlight;
}

export interface Facts {
  readonly documents: number;
  readonly kill: { readonly pid: number; readonly atMs: number };
  readonly inFlight: ReadonlySet<string>;
  /** What the workflow returned. */
  readonly stored: number | null;
}

export interface Outcome {
  readonly report: Report;
  /** From the kill to the first document that the next process indexed; null if it indexed none. */
  readonly firstIndexedAfterMs: number | null;
  readonly problems: readonly string[];
}

export async function examine(facts: Facts, database: Database): Promise<Outcome> {
  const { documents, kill, inFlight, stored } = facts;
  const { indexed, passages, duplicates } = await new Passages(database).count();
  const lines = readLedger(ledgerPath);
  const repeated = repeatedKeys(lines);
  const indexedAfterKill = lines.find(
    ({ event, key, step, pid }) =>
      event === 'end' && step === 'store passages' && pid !== kill.pid && !inFlight.has(key),
  );

  const problems: string[] = [];
  if (indexedAfterKill === undefined) problems.push('nothing was indexed after the kill');
  if (indexed !== documents) problems.push(`${documents} documents were served, but ${indexed} are indexed`);
  if (duplicates > 0) problems.push(`${duplicates} passages are stored twice`);
  if (stored !== passages) problems.push(`the workflow returned ${stored} passages, but ${passages} are in the table`);
  const needless = repeated.filter((key) => !inFlight.has(key));
  if (needless.length > 0) problems.push(`steps ran again although their results were stored: ${needless.join(', ')}`);

  return {
    report: {
      documents,
      indexed,
      passages,
      duplicatePassages: duplicates,
      repeatedSteps: repeated.length,
      inFlightAtKill: inFlight.size,
      recovered: indexedAfterKill !== undefined && indexed === documents,
    },
    firstIndexedAfterMs: indexedAfterKill ? indexedAfterKill.atMs - kill.atMs : null,
    problems,
  };
}

function repeatedKeys(lines: readonly LedgerLine[]): string[] {
  const begun = begins(lines).map(({ key }) => key);
  return [...new Set(begun.filter((key, index) => begun.indexOf(key) !== index))];
}

function begins(lines: readonly LedgerLine[]): LedgerLine[] {
  return lines.filter(({ event }) => event === 'begin');
}
