import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { jaegerView, type JaegerView, treeOf } from './jaeger-rules.js';
import type { ReceivedSpan } from './received-span.js';
import type { Receiver } from './receiver.js';
import { testReceiver } from './test-receiver.js';
import { type TracedOptions, TracedProcess } from './traced-process.js';

/** Processes on one schema of a real Postgres, and the collector that their spans go to. All of it goes with the test. */
export class TracedCluster {
  readonly receiver: Receiver;
  readonly schema = `test_${randomUUID().replaceAll('-', '')}`;
  readonly #processes: TracedProcess[] = [];
  readonly #defaults: Partial<TracedOptions>;

  private constructor(receiver: Receiver, defaults: Partial<TracedOptions>) {
    this.receiver = receiver;
    this.#defaults = defaults;
  }

  static async create(defaults: Partial<TracedOptions>): Promise<TracedCluster> {
    const cluster = new TracedCluster(await testReceiver(), defaults);
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') process.stderr.write(`${treeOf(cluster.spans)}\n`);
      await Promise.all(cluster.#processes.map((process) => process.kill()));
      await cluster.sql(`drop schema if exists ${cluster.schema} cascade`);
    });
    return cluster;
  }

  async launch(label: string, options: Partial<TracedOptions> = {}): Promise<TracedProcess> {
    return await TracedProcess.launch(
      {
        label,
        url: inject('engineUrl'),
        schema: this.schema,
        collector: this.receiver.url,
        level: 'otel',
        batchDelayMs: 50,
        leaseMs: 1_000,
        queues: [],
        host: 'one-host',
        gates: [],
        flushesAtGates: true,
        isSampled: true,
        framework: null,
        ...this.#defaults,
        ...options,
      },
      (process) => this.#processes.push(process),
    );
  }

  /** Lets every process that still lives hand over and send its spans. */
  async finish(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.finish()));
  }

  get spans(): readonly ReceivedSpan[] {
    return this.receiver.spans;
  }

  get view(): JaegerView {
    return jaegerView(this.spans);
  }

  named(name: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** Waits until a run has ended, wherever. */
  async outcomeOf(workflowId: string): Promise<string> {
    return await eventually(`the outcome of ${workflowId}`, async () => {
      const [row] = await this.sql<{ kind: string }>(
        `select kind from SCHEMA.outcomes where workflow_id = '${workflowId}'`,
      );
      return row?.kind;
    });
  }

  /** Waits until so many processes are not known to be dead. */
  async executorsAre(count: number): Promise<void> {
    await eventually(`${count} executors are left`, async () => {
      const [row] = await this.sql<{ count: number }>('select count(*)::int4 as count from SCHEMA.executors');
      return row?.count === count;
    });
  }

  /** `SCHEMA` stands for the schema. */
  async sql<R extends pg.QueryResultRow>(text: string): Promise<R[]> {
    const client = new pg.Client({ connectionString: inject('postgresUrl'), lock_timeout: 10_000 });
    await client.connect();
    try {
      return (await client.query<R>(text.replaceAll('SCHEMA', this.schema))).rows;
    } finally {
      await client.end();
    }
  }
}
