import type { Database } from '@perdure/core';
import { Ledger } from './ledger.js';
import type { Passages } from './passages.js';
import { ledgerPath, schema } from './storage.js';

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
 * The steps that a kill interrupted: their bodies had begun, and Postgres holds no result of them. A body that had just
 * ended counts too, if its result was not stored yet. Asked after the kill, before anything runs again.
 */
export async function stepsInFlight(database: Database): Promise<Set<string>> {
  const recorded = await database.query<{ key: string }>({
    name: 'demo_recorded',
    text: `select workflow_id || ':' || seq as key from ${schema}.checkpoints where kind = 'step'`,
    values: [],
  });
  const recordedKeys = new Set(recorded.map((row) => row.key));
  const begun = Ledger.read(ledgerPath).filter((entry) => entry.event === 'begin');
  return new Set(begun.map((entry) => entry.key).filter((key) => !recordedKeys.has(key)));
}

/** Counts what happened: from the served files, the table of passages and the ledger of the steps' bodies. */
export async function makeReport(options: {
  readonly documents: number;
  readonly passages: Passages;
  readonly inFlight: ReadonlySet<string>;
  readonly killedPid: number;
}): Promise<Report & { readonly repeatedKeys: readonly string[] }> {
  const { indexed, passages, duplicates } = await options.passages.count();
  const begun = Ledger.read(ledgerPath).filter((entry) => entry.event === 'begin');
  const times = new Map<string, number>();
  for (const { key } of begun) times.set(key, (times.get(key) ?? 0) + 1);
  const repeatedKeys = [...times].filter(([, count]) => count > 1).map(([key]) => key);
  const wentOn = begun.some((entry) => entry.pid !== options.killedPid);
  return {
    documents: options.documents,
    indexed,
    passages,
    duplicatePassages: duplicates,
    repeatedSteps: repeatedKeys.length,
    inFlightAtKill: options.inFlight.size,
    recovered: wentOn && indexed === options.documents,
    repeatedKeys,
  };
}

/** What is wrong with a report; nothing, as it should be. */
export function problemsOf(
  report: Report & { readonly repeatedKeys: readonly string[] },
  inFlight: ReadonlySet<string>,
): string[] {
  const problems: string[] = [];
  if (!report.recovered) problems.push('not every document was indexed after the kill');
  if (report.indexed !== report.documents) problems.push(`${report.documents - report.indexed} documents are missing`);
  if (report.duplicatePassages > 0) problems.push(`${report.duplicatePassages} passages are stored twice`);
  const needless = report.repeatedKeys.filter((key) => !inFlight.has(key));
  if (needless.length > 0) problems.push(`steps ran again though their result was stored: ${needless.join(', ')}`);
  return problems;
}
