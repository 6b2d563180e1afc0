import type { Codec } from '../codec/codec.js';
import { RunNotFoundError } from '../errors/errors.js';
import type { Clock } from '../seams/clock.js';
import type { Store } from '../store/store.js';
import { explainRun, statusOf } from './explain-run.js';
import type { Explanation } from './explanation.js';

export interface ExplanationsOptions {
  readonly store: Pick<Store, 'explanations' | 'runs'>;
  readonly clock: Clock;
  readonly codec: Codec;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  /** What is wrong with the writing of an executor, if it is this process'. */
  readonly problemsOf: (executorId: string) => readonly string[];
}

/** A run that waits for a run that waits …: so far it is followed. */
const depthMax = 5;

/** Finds out why runs are where they are. */
export class Explanations {
  readonly #options: ExplanationsOptions;

  constructor(options: ExplanationsOptions) {
    this.#options = options;
  }

  /** @throws {RunNotFoundError} */
  async explain(workflowId: string): Promise<Explanation> {
    const explanation = await this.#explain(workflowId, []);
    if (explanation === null) throw new RunNotFoundError(workflowId);
    return explanation;
  }

  async #explain(workflowId: string, above: readonly string[]): Promise<Explanation | null> {
    const { store, clock, codec, ask, problemsOf } = this.#options;
    const run = await ask(() => store.explanations.findRun(workflowId, clock.sqlNow()));
    if (run === null) return null;
    const isOpen = run.outcome === null;
    const line =
      isOpen && run.item !== null ? await ask(() => store.explanations.findLine(workflowId, clock.sqlNow())) : null;
    const histories = isOpen ? await ask(() => store.runs.loadHistories([workflowId])) : new Map<string, never[]>();
    const { executorId } = run.owner;
    const problems = executorId === null ? [] : problemsOf(executorId);
    const history = histories.get(workflowId) ?? [];
    const { dueToId, ...finding } = explainRun({ workflowId, run, line, history, problems }, codec);
    const isDeeper = dueToId !== null && above.length < depthMax && ![...above, workflowId].includes(dueToId);
    const dueTo = isDeeper ? await this.#explain(dueToId, [...above, workflowId]) : null;
    return { workflowId, status: statusOf(run), ...finding, dueTo };
  }
}
