import { isDeepStrictEqual } from 'node:util';
import type { Database, Row } from '@perdure/core/internal';
import type { LedgerLine } from '../recovery/ledger.js';
import type { CrashScenario } from './children/crash-scenario.js';
import type { Ending } from './jobs.js';

/** What the history of a scenario's runs holds at one moment, by the idempotency keys of steps. */
export interface Recorded {
  readonly results: ReadonlySet<string>;
  /** How many failed tries of a step are recorded. */
  readonly failedTries: ReadonlyMap<string, number>;
}

/** A process, as it was when it began. */
export interface Generation {
  readonly label: string;
  /** The moment at which its virtual clock began. */
  readonly startsAt: number;
  readonly recorded: Recorded;
}

export interface Case {
  readonly scenario: CrashScenario;
  readonly workflowId: string;
  readonly generations: readonly Generation[];
  readonly deaths: number;
  readonly ending: Ending;
  readonly ledger: readonly LedgerLine[];
}

/** Everything about a case that must not be, in words; nothing, if all is well. */
export async function examine(database: Database, schema: string, examined: Case): Promise<string[]> {
  const { scenario, ending } = examined;
  const wrongEnding = isDeepStrictEqual(ending, scenario.expected)
    ? []
    : [`it ended with ${JSON.stringify(ending)}, not ${JSON.stringify(scenario.expected)}`];
  return [...wrongEnding, ...wrongSteps(examined), ...(await wrongRows(database, schema, examined))];
}

/** No recorded step begins again, and what was interrupted begins once more in each process. */
function wrongSteps({ scenario, generations, ledger }: Case): string[] {
  const found: string[] = [];
  const begins = ledger.filter(({ event }) => event === 'begin');
  for (const { label, recorded } of generations) {
    const seen = new Set<string>();
    for (const { key, name, attempt } of begins.filter((line) => line.process === label)) {
      const step = `${label}: step "${name}" (${key}, try ${attempt})`;
      if (recorded.results.has(key)) found.push(`${step} began although its result was recorded`);
      if (attempt <= (recorded.failedTries.get(key) ?? 0)) found.push(`${step} began although this try was recorded`);
      const trying = `${key} ${attempt}`;
      if (seen.has(trying)) found.push(`${step} began twice in one process`);
      seen.add(trying);
    }
  }
  const began = new Set(begins.map(({ name }) => name));
  for (const name of scenario.mustBegin) if (!began.has(name)) found.push(`step "${name}" never began`);
  for (const { event, what, name } of ledger) {
    if (event === 'caught' && !scenario.mayCatch.includes(what)) found.push(`the code of "${name}" was shown ${what}`);
  }
  return found;
}

async function wrongRows(
  database: Database,
  schema: string,
  { scenario, workflowId, deaths, generations }: Case,
): Promise<string[]> {
  const found: string[] = [];
  const ask = <R extends Row>(text: string): Promise<R[]> => askAbout<R>(database, schema, text, workflowId);

  for (const { workflow_id, crashes, outcome } of await ask<{
    workflow_id: string;
    crashes: number;
    outcome: string | null;
  }>(
    `select workflow_id, coalesce(jsonb_array_length(crash_log), 0) as crashes, kind as outcome
     from SCHEMA.runs left join SCHEMA.outcomes using (workflow_id) where starts_with(workflow_id, $1::text)`,
  )) {
    if (outcome === null) found.push(`run ${workflow_id} has no outcome`);
    if (Number(crashes) > deaths) found.push(`run ${workflow_id} counts ${crashes} crashes, but there were ${deaths}`);
  }

  for (const { workflow_id } of await ask<{ workflow_id: string }>(
    `select workflow_id from SCHEMA.checkpoints where starts_with(workflow_id, $1::text)
     group by workflow_id having max(position) <> count(*) - 1`,
  )) {
    found.push(`the history of ${workflow_id} has gaps`);
  }

  if (!scenario.isFirstLaunch) {
    const [items] = await ask<{ count: number }>(
      `select count(*)::int4 as count from SCHEMA.items where starts_with(workflow_id, $1::text)`,
    );
    if (items?.count !== scenario.rows) found.push(`there are ${items?.count} rows, not ${scenario.rows}`);
  }

  // A dead process may have renewed its lease with its last breath; it then is for somebody who comes later.
  for (const { id } of await ask<{ id: string }>(
    `select id::text from SCHEMA.executors where $1::text is not null and (
       registered_at >= to_timestamp(${generations.at(-1)!.startsAt / 1000}) or id not in (select executor_id from SCHEMA.leases)
     )`,
  )) {
    found.push(`executor ${id} is left over`);
  }
  return found;
}

/** What is recorded now. */
export async function recordedNow(database: Database, schema: string, workflowId: string): Promise<Recorded> {
  const rows = await askAbout<{ workflow_id: string; seq: number; kind: string; retries: number }>(
    database,
    schema,
    `select workflow_id, seq, kind, (
       select count(*)::int4 from SCHEMA.checkpoints r
       where r.workflow_id = c.workflow_id and r.kind = 'retry' and r.position < c.position
     ) as retries
     from SCHEMA.checkpoints c where starts_with(workflow_id, $1::text) and kind in ('step', 'attempt')
     union all
     select workflow_id, seq, 'step', retries from SCHEMA.transactions where starts_with(workflow_id, $1::text)`,
    workflowId,
  );
  const results = new Set<string>();
  const failedTries = new Map<string, number>();
  for (const { workflow_id, seq, kind, retries } of rows) {
    const key = `${workflow_id}:${retries === 0 ? '' : `r${retries}:`}${seq}`;
    if (kind === 'step') results.add(key);
    else failedTries.set(key, (failedTries.get(key) ?? 0) + 1);
  }
  return { results, failedTries };
}

async function askAbout<R extends Row>(database: Database, schema: string, text: string, id: string): Promise<R[]> {
  const sql = text.replaceAll('SCHEMA', `"${schema}"`);
  return await database.query<R>({ name: sql, text: sql, values: [id] });
}
