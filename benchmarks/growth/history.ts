import type { Perdure, Workflow } from '@perdure/core';
import type pg from 'pg';

/** Runs that have ended, in one schema: some that an engine made, and copies of them by the million. */
export class History {
  /** How many runs are made by an engine. */
  static readonly templates = 2_000;
  readonly #sql: pg.Client;
  readonly #schema: string;
  readonly #perdure: Perdure;
  readonly #workflow: Workflow<[number], number>;
  #copies = 0;

  constructor(sql: pg.Client, schema: string, perdure: Perdure, workflow: Workflow<[number], number>) {
    this.#sql = sql;
    this.#schema = schema;
    this.#perdure = perdure;
    this.#workflow = workflow;
  }

  /** Runs that an engine executes; every twentieth fails. */
  async make(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, no) => no);
    while (numbers.length > 0) {
      const batch = numbers.splice(0, 500).map(async (no) => {
        const run = await this.#workflow.with({ engine: this.#perdure, workflowId: `template-${no}` }).start(no);
        await run.result().catch(() => {});
      });
      await Promise.all(batch);
    }
  }

  async copyUntil(runs: number): Promise<void> {
    while (this.#copies + History.templates < runs) await this.copy(History.templates);
    await this.#sql.query(
      `vacuum (analyze) ${['runs', 'checkpoints', 'outcomes'].map((it) => this.#table(it)).join()}`,
    );
  }

  /** Copies the first so many, as older and older ones. */
  async copy(count: number): Promise<void> {
    const suffix = `'-' || ${this.#copies}`;
    this.#copies += count;
    const age = `interval '30 days' + ${this.#copies} * interval '1 second'`;
    const changes: Record<string, string> = {
      workflow_id: `workflow_id || ${suffix}`,
      seed: `seed || ${suffix}`,
      created_at: `created_at - (${age})`,
      started_at: `started_at - (${age})`,
      finished_at: `finished_at - (${age})`,
    };
    for (const table of ['runs', 'checkpoints', 'outcomes']) {
      const { rows } = await this.#sql.query<{ name: string }>(
        `select column_name as name from information_schema.columns
         where table_schema = $1 and table_name = $2 and is_identity = 'NO'`,
        [this.#schema, table],
      );
      const names = rows.map(({ name }) => name);
      await this.#sql.query(
        `insert into ${this.#table(table)} (${names.join()}) select ${names.map((name) => changes[name] ?? name).join()}
         from ${this.#table(table)} where workflow_id = any($1)`,
        [Array.from({ length: count }, (_, no) => `template-${no}`)],
      );
    }
  }

  #table(name: string): string {
    return `"${this.#schema}".${name}`;
  }
}
