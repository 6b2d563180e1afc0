import type { Database } from '@perdure/core/internal';
import type { JobTracing } from '../../crash-points/jobs.js';
import { treeOf } from '../jaeger-rules.js';
import { Receiver } from '../receiver.js';
import { factsOf } from './evidence.js';
import { rules } from './rules.js';

/** A case whose processes were traced, after the last one has ended. */
export interface TracedCase {
  readonly database: Database;
  readonly schema: string;
  readonly workflowId: string;
  readonly killed: readonly string[];
  readonly openSpans: readonly string[];
}

/** What the code of scenarios throws, and where the database is: nobody's business. */
const secretsOf = (schema: string): string[] => [
  schema,
  'postgres://',
  'postgresql://',
  'it has not been',
  'Connection terminated',
];

/** Collects what the processes of crash points export, and judges it by the rules. */
export class Witness {
  readonly tracing: JobTracing;
  /** By rule, of how many things it could say something, and how often it was broken. */
  readonly counts: Record<string, { checked: number; violations: number; excused?: number }>;
  cases = 0;
  readonly #receiver: Receiver;

  private constructor(receiver: Receiver, tracing: Omit<JobTracing, 'collector'>) {
    this.#receiver = receiver;
    this.tracing = { ...tracing, collector: receiver.url };
    this.counts = Object.fromEntries(Object.keys(rules).map((rule) => [rule, { checked: 0, violations: 0 }]));
  }

  static async listen(tracing: Omit<JobTracing, 'collector'>): Promise<Witness> {
    return new Witness(await Receiver.listen(), tracing);
  }

  /** @returns everything that must not be, in words */
  async judge({ database, schema, workflowId, killed, openSpans }: TracedCase): Promise<string[]> {
    await this.#receiver.hearsNobody();
    const spans = this.#receiver.spans.splice(0);
    const bodies = this.#receiver.bodies.splice(0);
    const evidence = {
      tracing: this.tracing,
      spans,
      bodies,
      killed: new Set(killed),
      openSpans,
      secrets: secretsOf(schema),
      ...(await factsOf(database, schema, workflowId)),
    };
    this.cases += 1;
    const found = Object.entries(rules).flatMap(([rule, { says, judge }]) => {
      const { checked, violations, excused } = judge(evidence);
      const counts = this.counts[rule]!;
      counts.checked += checked;
      counts.violations += violations.length;
      if (excused !== undefined) counts.excused = (counts.excused ?? 0) + excused;
      return violations.map((violation) => `${rule} (${says}): ${violation}`);
    });
    return found.length === 0 ? [] : [...found, treeOf(spans)];
  }

  /** Forgets what came of a case that is not judged. */
  async forget(): Promise<void> {
    await this.#receiver.hearsNobody();
    this.#receiver.spans.length = 0;
    this.#receiver.bodies.length = 0;
  }

  close(): void {
    this.#receiver.close();
  }
}
