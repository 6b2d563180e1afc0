import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workflow } from '@perdure/core';
import { type Database, embedded, migrate, postgres } from '@perdure/core/internal';
import { PGlite } from '@electric-sql/pglite';
import { readLedger } from '../recovery/ledger.js';
import type { CrashScenario } from './children/crash-scenario.js';
import { crashScenarios } from './children/scenarios.js';
import { examine, type Generation, recordedNow } from './examine.js';
import type { Job, Report, Role } from './jobs.js';
import { type CrashPoint, describePoint } from './points.js';
import { processVictims, type Victims, workerVictims } from './victims.js';
import type { Witness } from '../tracing/judgement/witness.js';

/** The scenarios as they are described, for whoever does not play them. */
export const allScenarios: readonly CrashScenario[] = crashScenarios({
  noted: async (body) => await body(),
  define: workflow,
  caught() {},
  table: '',
});

export interface Outcome {
  /** What was wrong. */
  readonly violations: readonly string[];
  /** The deaths that were asked for and came about, the prelude's not among them. */
  readonly deaths: readonly CrashPoint[];
  /** Where the tested process, and each after it, could have died. */
  readonly points: readonly (readonly CrashPoint[])[];
}

export type Form = 'worker' | 'process';

/** The victim with an SDK, and who looks at what it exports. */
export interface Traced {
  readonly bundle: URL;
  readonly witness: Witness;
}

/** A database of one kind, and what is needed to play scenarios on it. */
export class Harness {
  readonly #folder = mkdtempSync(join(tmpdir(), 'perdure-crash-points-'));
  readonly #database: Database;
  readonly #url: string | null;
  readonly #witness: Witness | null; // null = processes are not traced
  readonly #victims: Record<Form, Victims>;
  readonly #close: () => Promise<void>;
  #schema: string | null = null; // null = make a new one
  #cases = 0;

  private constructor(
    bundle: URL,
    database: Database,
    pglite: PGlite | null,
    url: string | null,
    traced: Traced | null = null,
  ) {
    this.#database = database;
    this.#url = url;
    this.#witness = traced?.witness ?? null;
    this.#victims = { worker: workerVictims(bundle, pglite), process: processVictims(traced?.bundle ?? bundle) };
    this.#close = async () => {
      await database.close();
      await pglite?.close();
    };
  }

  /** @param traced what processes are traced by; those that are workers are not */
  static onPostgres(bundle: URL, url: string, traced: Traced | null = null): Harness {
    return new Harness(bundle, postgres({ url }), null, url, traced);
  }

  static async onPglite(bundle: URL): Promise<Harness> {
    const pglite = await PGlite.create('memory://');
    return new Harness(bundle, embedded({ pglite }), pglite, null);
  }

  /**
   * Plays a scenario to its end. The tested process dies at the first of the `deaths`, the one after it at the second, and
   * so on.
   */
  async play(scenario: CrashScenario, deaths: readonly CrashPoint[], form: Form = 'worker'): Promise<Outcome> {
    const schema = await this.#prepareSchema(scenario);
    const workflowId = `${scenario.name.replaceAll(/\W+/g, '-')}-${String(++this.#cases).padStart(6, '0')}`;
    const ledger = join(this.#folder, workflowId);
    writeFileSync(ledger, '');
    const generations: Generation[] = [];
    const points: CrashPoint[][] = [];
    const died: CrashPoint[] = [];
    const plan = [...scenario.prelude, ...deaths];
    const deathsMax = plan.length;
    const where = deaths.length === 0 ? 'undisturbed' : `dead ${deaths.map(describePoint).join(', then ')}`;
    const witness = form === 'process' ? this.#witness : null;
    const killed: string[] = [];
    const openSpans: string[] = [];
    const failed = async (violations: readonly string[]): Promise<Outcome> => {
      await witness?.forget();
      this.#schema = null; // what is left of this case must not disturb the next
      return { violations: violations.map((it) => `${scenario.name}, ${where}: ${it}`), deaths: died, points };
    };

    for (let no = 0; no <= deathsMax + 3; no += 1) {
      const label = `process ${no}`;
      const role: Role = no < scenario.prelude.length ? 'before' : no === scenario.prelude.length ? 'tested' : 'after';
      const crashAt = plan[no] ?? null;
      const [startsAt, recorded] = await Promise.all([
        this.#latestMoment(schema, scenario),
        this.#recorded(schema, scenario, workflowId, no),
      ]);
      generations.push({ label, startsAt, recorded });
      const job: Job = {
        scenario: scenario.name,
        role,
        workflowId,
        crashAt,
        schema,
        url: this.#url,
        ledger,
        label,
        startsAt,
        tracing: witness?.tracing ?? null,
      };
      const report: Report = await this.#victims[form].run(job);
      if (report.kind === 'failed')
        return await failed([`${label}: ${report.message}`, await this.#describe(schema, workflowId)]);
      if (report.kind === 'died') {
        killed.push(label);
        if (role !== 'before') died.push(report.at);
        continue;
      }
      if (role === 'before') return await failed([`${label} did not get to ${describePoint(crashAt!)}`]);
      points.push([...report.points]);
      openSpans.push(...report.openSpans);
      if (report.ending === null) continue;
      const lines = readLedger(ledger);
      const examined = { scenario, workflowId, generations, deaths: plan.length, ending: report.ending, ledger: lines };
      const violations = [
        ...(await examine(this.#database, schema, examined)),
        ...((await witness?.judge({ database: this.#database, schema, workflowId, killed, openSpans })) ?? []),
      ];
      if (violations.length > 0) return await failed([...violations, ...lines.map((line) => JSON.stringify(line))]);
      rmSync(ledger);
      if (scenario.isFirstLaunch) await this.#drop(schema);
      return { violations: [], deaths: died, points };
    }
    return await failed(['it never ended']);
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#victims).map((victims) => victims.close()));
    if (this.#schema !== null) await this.#drop(this.#schema);
    await this.#close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #prepareSchema({ isFirstLaunch }: CrashScenario): Promise<string> {
    if (!isFirstLaunch && this.#schema !== null) return this.#schema;
    const schema = `test_${randomUUID().replaceAll('-', '')}`;
    if (isFirstLaunch) return schema;
    await migrate(this.#database, schema);
    await this.#database.script(`create table "${schema}".items (id text, workflow_id text)`);
    this.#schema = schema;
    return schema;
  }

  async #drop(schema: string): Promise<void> {
    await this.#database.script(`drop schema if exists "${schema}" cascade`);
  }

  /** When every lease has lapsed that a dead process left behind. */
  async #latestMoment(schema: string, scenario: CrashScenario): Promise<number> {
    if (!(await this.#exists(schema, scenario))) return 0;
    const text = `
      select floor(extract(epoch from greatest(
        (select max(lease_until) from "${schema}".leases), (select max(created_at) from "${schema}".runs),
        (select max(finished_at) from "${schema}".checkpoints), (select max(finished_at) from "${schema}".outcomes)
      )) * 1000)::float8 as ms`;
    const [row] = await this.#database.query<{ ms: number | null }>({ name: text, text, values: [] });
    return row?.ms == null ? 0 : row.ms + 1;
  }

  async #recorded(
    schema: string,
    scenario: CrashScenario,
    workflowId: string,
    no: number,
  ): Promise<Generation['recorded']> {
    if (no === 0 || !(await this.#exists(schema, scenario))) return { results: new Set(), failedTries: new Map() };
    return await recordedNow(this.#database, schema, workflowId);
  }

  async #exists(schema: string, { isFirstLaunch }: CrashScenario): Promise<boolean> {
    if (!isFirstLaunch) return true;
    const [row] = await this.#database.query<{ exists: boolean }>({
      name: 'crash_points_schema_exists',
      text: `select to_regclass($1::text) is not null as exists`,
      values: [`${schema}.outcomes`],
    });
    return row?.exists === true;
  }

  async #describe(schema: string, workflowId: string): Promise<string> {
    const text = `
      select workflow_id, state, executor_id::text, claim_no::int4, attempt, available_at::text, crashes, blocked_reason,
        (select array_agg(position || ' ' || seq || ' ' || kind || ' ' || c.name order by position)
          from "${schema}".checkpoints c where c.workflow_id = r.workflow_id) as history
      from "${schema}".runs r where starts_with(workflow_id, $1::text)`;
    try {
      const rows = await this.#database.query({ name: text, text, values: [workflowId] });
      return JSON.stringify(rows);
    } catch (error) {
      return String(error);
    }
  }
}
