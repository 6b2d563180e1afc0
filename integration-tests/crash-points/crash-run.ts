import { crash, type Database, launch, type Row } from '@perdure/core/internal';
import { VirtualClock } from '@perdure/testing';
import { heldDatabase } from '../../packages/testing/src/held-database.js';
import { type CrashPoint, crashDatabase } from './crash-database.js';
import { type CrashScenario, handedOver } from './crash-scenarios.js';
import { ProcessLedger } from './process-ledger.js';

/** Where a scenario's processes live. One place serves many runs, one after another; virtual time only goes forward. */
export interface CrashSite {
  readonly database: Database;
  readonly schema: string;
  nowMs: number;
}

/** What a run of a scenario came to. */
export interface CrashReport {
  readonly ending: unknown;
  /** The crash points that were met, in order. */
  readonly met: readonly CrashPoint[];
  /** What each process sent, by name. */
  readonly sent: readonly ReadonlyMap<string, number>[];
  /** Steps that began although their result was recorded before. */
  readonly repeated: readonly string[];
  /** How often each step began, in all processes. */
  readonly begun: ReadonlyMap<string, number>;
  readonly rows: number;
}

const leaseMs = 15_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let runs = 0;

/**
 * Runs a scenario through its prelude and then through these crashes, one process after another, to its end.
 *
 * @param options `kill` lives the examined life elsewhere, instead of in this process
 */
export async function runScenario(
  scenario: CrashScenario,
  site: CrashSite,
  points: readonly CrashPoint[],
  options: { readonly kill?: typeof live } = {},
): Promise<CrashReport> {
  const workflowId = `crash-${++runs}`;
  const prelude = scenario.prelude ?? [];
  const plan: readonly CrashPoint[] = [...prelude, ...points];
  const met: CrashPoint[] = [];
  const sent: ReadonlyMap<string, number>[] = [];
  const begun = new Map<string, number>();
  const repeated: string[] = [];
  for (let process = 0; ; process += 1) {
    if (process > plan.length + 3) throw new Error(`"${scenario.name}" does not come to an end`);
    const point = plan[process] ?? null;
    const recorded = await recordedSteps(site, workflowId);
    const isExamined = process === prelude.length;
    const kill = point !== null && isExamined ? (options.kill ?? null) : null;
    const life = await (kill ?? live)(scenario, site, { workflowId, process, point, isExamined });
    sent.push(life.sent);
    for (const key of life.begun) {
      begun.set(key, (begun.get(key) ?? 0) + 1);
      if (recorded.has(key)) repeated.push(key);
    }
    if (life.ending === 'crashed') {
      if (point !== null) met.push(point);
    } else if (life.ending.value !== handedOver) {
      return { ending: life.ending.value, met, sent, repeated, begun, rows: await countRows(site, workflowId) };
    }
  }
}

export interface Life {
  readonly ending: 'crashed' | { readonly value: unknown };
  readonly sent: ReadonlyMap<string, number>;
  readonly begun: readonly string[];
}

export interface LifePlan {
  readonly workflowId: string;
  readonly process: number;
  readonly point: CrashPoint | null;
  /** It is the one whose crash points are tried, and whose network loses replies. */
  readonly isExamined: boolean;
}

/** One process, from its launch to its death or to the end of the run. */
export async function live(
  scenario: CrashScenario,
  site: CrashSite,
  life: LifePlan,
  onDeath: () => void = () => {},
): Promise<Life> {
  const clock = new VirtualClock();
  clock.advance(site.nowMs + leaseMs + 1 - clock.now());
  const ledger = new ProcessLedger(life.process);
  const definitions = scenario.define(ledger, tableOf(site));
  let onCrash = (): void => {};
  const crashed = new Promise<'crashed'>((resolve) => {
    onCrash = () => {
      onDeath();
      resolve('crashed');
    };
  });
  const database = crashDatabase(heldDatabase(site.database, clock), {
    point: life.point,
    loses: (name, nth) => life.isExamined && (scenario.loses?.(name, nth) ?? false),
    onCrash,
  });
  const launching = launch({
    database,
    schema: site.schema,
    workflows: definitions,
    clock,
    lease: leaseMs,
    logger: silent,
  });
  const driven = launching.then(async (perdure) => {
    const engine = {
      perdure,
      definitions,
      workflowId: life.workflowId,
      ledger,
      advance: (ms: number) => clock.advance(ms),
    };
    return { value: await scenario.drive(engine).catch(codeOf) };
  });
  const ending = await Promise.race([crashed, driven]);
  const begun = [...ledger.begun];
  const sent = new Map(database.sent);
  site.nowMs = clock.now();
  if (ending === 'crashed') {
    clock.stop();
    // What is left of the process hangs on statements that are never answered.
    void launching.then((perdure) => perdure[crash]()).catch(() => {});
  } else {
    database.survive();
    await (await launching).shutdown({ drainMs: 0 });
    clock.stop();
  }
  return { ending, sent, begun };
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code ?? error;

export const tableOf = ({ schema }: CrashSite): string => `"${schema}_data".rows`;

/** The steps of a run and its descendants that have a result, by idempotency key. */
async function recordedSteps({ database, schema }: CrashSite, workflowId: string): Promise<Set<string>> {
  const [present] = await ask(database, `select to_regclass('"${schema}".transactions') is not null as there`);
  if (present?.['there'] !== true) return new Set();
  const rows = await ask(
    database,
    `with steps as (
       select workflow_id, seq, position, (
         select count(*) from "${schema}".checkpoints r
         where r.workflow_id = c.workflow_id and r.kind = 'retry' and r.position < c.position
       ) as retries
       from "${schema}".checkpoints c where kind = 'step'
       union all select workflow_id, seq, 0, retries from "${schema}".transactions
     )
     select workflow_id || ':' || case when retries = 0 then '' else 'r' || retries || ':' end || seq as key
     from steps where workflow_id = '${workflowId}' or workflow_id like '${workflowId}.%' or workflow_id like '${workflowId}-%'`,
  );
  return new Set(rows.map((row) => String(row['key'])));
}

async function countRows(site: CrashSite, workflowId: string): Promise<number> {
  const [row] = await ask(
    site.database,
    `select count(*)::int4 as count from ${tableOf(site)} where workflow_id = '${workflowId}'`,
  );
  return Number(row?.['count']);
}

let asked = 0;
const ask = (database: Database, text: string): Promise<Row[]> =>
  database.query({ name: `crash_points_${++asked}`, text, values: [] });
