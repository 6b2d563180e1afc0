import { WorkflowTimeoutError } from '@perdure/core';
import { createCodec } from '../../packages/core/src/codec/codec.js';
import { accepts, streamsOf, transactionsOf } from './model.js';
import type { Plan } from './plan.js';
import type { Ask, Program } from './program.js';
import type { Storage } from './storage.js';
import type { Told, User } from './user.js';
import { longestWayMs } from './weather.js';
import type { Witness } from './witness.js';

interface EndedRun extends Record<string, unknown> {
  workflow_id: string;
  input: string;
  state: string;
  kind: string | null; // null = it has not ended
  payload: string | null;
  cancel_requested: boolean;
  name: string;
  /** How much before its deadline it ended; null = it has none. */
  early_ms: number | null;
}

const codec = createCodec({ errorClasses: [], maxBytes: 1_000_000 });

/** Looks at what is left when it is all over. */
export class Autopsy {
  readonly #storage: Storage;
  readonly #plan: Plan;
  readonly #users: readonly User[];
  readonly #witness: Witness;

  constructor(storage: Storage, plan: Plan, users: readonly User[], witness: Witness) {
    this.#storage = storage;
    this.#plan = plan;
    this.#users = users;
    this.#witness = witness;
  }

  /** Whether a run went on in another process after its own had died. */
  async findsTakeOver(): Promise<boolean> {
    const runs = await this.#storage.rows(`select from ${this.#storage.schema}.runs where attempt > 1 and crashes > 0`);
    return runs.length > 0;
  }

  async tellWhatIsOpen(): Promise<void> {
    const runs = await this.#runs();
    const open = runs.filter(({ kind }) => kind === null).map(({ workflow_id: id, state }) => `${id} (${state})`);
    const unstarted = this.#users
      .filter(({ isStarted }) => !isStarted)
      .map(({ ask }) => `${ask.workflowId} (not started)`);
    this.#witness.accuse(`not ended although nothing goes wrong any more: ${[...open, ...unstarted].join(', ')}`);
  }

  /** @returns how many runs there were */
  async examine(): Promise<number> {
    const runs = await this.#runs();
    const known = new Set(runs.map(({ workflow_id: id }) => id));
    for (const { ask, isStarted, told } of this.#users) {
      if (isStarted && !known.has(ask.workflowId))
        this.#witness.accuse(`${ask.workflowId} was acknowledged, and is lost`);
      const run = runs.find(({ workflow_id: id }) => id === ask.workflowId);
      if (told !== null) this.#compare(ask, told, run);
    }
    await this.#examineHistories();
    const effects = await this.#effects();
    for (const run of runs) if (run.kind !== null) await this.#examineRun(run, effects.get(run.workflow_id) ?? []);
    return runs.length;
  }

  #compare({ workflowId }: Ask, told: Told, run: EndedRun | undefined): void {
    const isSame =
      'value' in told
        ? run?.kind === 'completed' && run.payload === codec.encode(told.value)
        : run !== undefined && run.kind !== null && run.kind !== 'completed';
    if (!isSame)
      this.#witness.accuse(
        `somebody was told that ${workflowId} ended as ${JSON.stringify(told)}, and it has ended as ${run?.kind} ${run?.payload}`,
      );
  }

  async #examineRun(run: EndedRun, effects: readonly string[]): Promise<void> {
    const { workflow_id: id, kind } = run;
    const accuse = (what: string): void => this.#witness.accuse(`${id} ${what}`);
    if (new Set(effects).size !== effects.length) accuse(`has committed a transaction twice: ${effects.join(', ')}`);
    if (run.name === 'saga') await this.#examineSaga(run, effects, accuse);
    if (kind === 'cancelled' && run.cancel_requested) return;
    if (run.early_ms !== null && kind === 'failed' && run.payload?.includes(WorkflowTimeoutError.name) === true) {
      if (run.early_ms > longestWayMs) accuse(`was ended ${run.early_ms} ms before its time was over`);
      return;
    }
    if (kind !== 'completed') return accuse(`has ended as ${kind}: ${run.payload}`);
    if (run.name === 'tick') return run.payload === '"ticked"' ? undefined : accuse(`has ticked: ${run.payload}`);
    const [program] = codec.decode(run.input) as [Program];
    const result = codec.decode(run.payload);
    if (!accepts(program, result, this.#messages))
      accuse(`of ${JSON.stringify(program)} has the result ${run.payload}`);
    const missing = transactionsOf(program).filter((path) => !effects.includes(path));
    if (missing.length > 0) accuse(`has lost what it committed in ${missing.join(', ')}`);
    await this.#examineStreams(id, program, accuse);
  }

  /** What it was told that it had done is undone, unless it has completed. */
  async #examineSaga(
    { workflow_id: id, kind }: EndedRun,
    effects: readonly string[],
    accuse: (what: string) => void,
  ): Promise<void> {
    const isUndone = effects.includes('undo') || effects.includes('undo again');
    const [known] = await this.#storage.rows(
      `select from ${this.#storage.schema}.checkpoints where workflow_id = $1 and kind = 'step' and name = 'do'`,
      [id],
    );
    if (kind === 'completed' ? isUndone : known !== undefined && !isUndone)
      accuse(`has ended as ${kind}, and what it did is ${isUndone ? 'undone' : 'not undone'}`);
  }

  /** Places have no gaps, and once another claim has written, an earlier one has not. */
  async #examineHistories(): Promise<void> {
    const wrong = await this.#storage.rows<{ workflow_id: string; position: number; attempt: number }>(
      `select workflow_id, position, attempt from (
         select c.*, lag(attempt) over history as before, row_number() over history - 1 as place
         from ${this.#storage.schema}.checkpoints c window history as (partition by workflow_id order by position)
       ) c where position <> place or attempt < before`,
    );
    for (const { workflow_id: id, position, attempt } of wrong) {
      this.#witness.accuse(`${id} has #${position} of attempt ${attempt} where it should not be`);
    }
  }

  async #examineStreams(id: string, program: Program, accuse: (what: string) => void): Promise<void> {
    const wanted = streamsOf(program);
    if (wanted.size === 0) return;
    const rows = await this.#storage.rows<{ name: string; written: string[] }>(
      `select name, array_agg(payload order by no) as written from ${this.#storage.schema}.streams
       where workflow_id = $1 and kind = 'value' group by name`,
      [id],
    );
    for (const [name, values] of wanted) {
      const written = rows.find((row) => row.name === name)?.written ?? [];
      if (written.join() !== values.join())
        accuse(`has written ${written.join()} to ${name} instead of ${values.join()}`);
    }
  }

  get #messages(): Ask['messages'] {
    return Object.assign({}, ...this.#plan.asks.map(({ messages }) => messages)) as Ask['messages'];
  }

  async #runs(): Promise<EndedRun[]> {
    const { schema } = this.#storage;
    return await this.#storage.rows<EndedRun>(
      `select r.workflow_id, r.name, r.input, r.state, o.kind, o.payload, r.cancel_requested_at is not null as cancel_requested,
         date_part('epoch', r.deadline_at - o.finished_at)::float8 * 1000 as early_ms
       from ${schema}.runs r left join ${schema}.outcomes o using (workflow_id) order by r.workflow_id`,
    );
  }

  async #effects(): Promise<Map<string, string[]>> {
    const rows = await this.#storage.rows<{ workflow_id: string; paths: string[] }>(
      `select workflow_id, array_agg(path order by path) as paths from ${this.#storage.table} group by workflow_id`,
    );
    return new Map(rows.map((row) => [row.workflow_id, row.paths]));
  }
}
