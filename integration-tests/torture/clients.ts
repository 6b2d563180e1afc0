import { setTimeout as wait } from 'node:timers/promises';
import type { PerdureClient } from '@perdure/core';
import type { ClientEvent, Expectation } from '../checker/evidence.js';
import { Dice, generateEndless, generateLeaf, generateProgram } from './generate.js';
import { expectations } from './model.js';
import type { Program, QueueName } from './programs.js';

export interface ClientsOptions {
  readonly seed: string;
  /** Two, so that what one did another one sees. */
  readonly clients: readonly [PerdureClient, PerdureClient];
  /** How many sessions may be open at once, and how many begin in a second. */
  readonly width: number;
  readonly perSecond: number;
}

type Answer = Partial<Pick<ClientEvent, 'what' | 'result'>>;

/** Those who start programs, send to them, cancel them and wait for them. What they ask and are told is written down. */
export class Clients {
  readonly events: ClientEvent[] = [];
  readonly expected = new Map<string, Expectation>();
  /** Errors that a client was told of and that have to do with the database: it then asks again. */
  readonly troubles: string[] = [];
  readonly #options: ClientsOptions;
  readonly #open = new Set<Promise<void>>();
  #sessions = 0;
  #calls = 0;
  #isOver = false;
  #isAbandoned = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  get sessions(): number {
    return this.#sessions;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Begins sessions until {@link Clients.stop}. */
  async play(): Promise<void> {
    const since = performance.now();
    let due = 0;
    for (; !this.#isOver; await wait(20)) {
      due = Math.max(due, ((performance.now() - since) / 1_000) * this.#options.perSecond);
      while (this.#sessions < due && this.#open.size < this.#options.width)
        this.#begin(this.#session(this.#sessions++));
      // What could not begin in time is not made up for.
      if (this.#open.size >= this.#options.width) due = Math.min(due, this.#sessions + 1);
    }
  }

  /** A run that kills whatever process takes it. */
  poison(workflowId: string): void {
    this.#begin(this.#completion({ workflowId, ops: [{ op: 'poison' }] }, 1));
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isOver = true;
  }

  /** Waits for the ends of what was begun; false if they do not come in time. */
  async ended(deadlineMs: number): Promise<boolean> {
    const all = Promise.all(this.#open).then(() => true);
    return await Promise.race([all, wait(deadlineMs, false, { ref: false })]);
  }

  /** Asks nothing again. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  #begin(session: Promise<void>): void {
    const open = session.finally(() => this.#open.delete(open));
    this.#open.add(open);
  }

  async #session(no: number): Promise<void> {
    const dice = new Dice(`${this.#options.seed} ${no}`);
    const kind = dice.weighed({ program: 88, endless: 4, leaf: 8 });
    const workflowId = `r${no}`;
    if (kind === 'endless') await this.#cancelled(generateEndless(dice, workflowId), dice);
    else if (kind === 'leaf') await this.#queued(generateLeaf(dice, workflowId), dice);
    else await this.#program(generateProgram(dice, workflowId), dice);
  }

  async #program(program: Program, dice: Dice): Promise<void> {
    this.#expect(program);
    await this.#start(program);
    const sent = program.ops.flatMap((op) => (op.op === 'receive' ? this.#sendAll(program.workflowId, op, dice) : []));
    await Promise.all([...sent, this.#result(program.workflowId, dice.between(1, 2))]);
  }

  async #completion(program: Program, observers: number): Promise<void> {
    this.#expect(program);
    await this.#start(program);
    await this.#result(program.workflowId, observers);
  }

  /** Messages with numbers, from one sender or from two, each of which sends its own in order. */
  #sendAll(workflowId: string, op: { readonly topic: string; readonly count: number }, dice: Dice): Promise<void>[] {
    const senders = dice.between(1, 2);
    return Array.from({ length: senders }, async (_, sender) => {
      const pauseMs = dice.between(0, 400);
      const numbers = Array.from({ length: op.count }, (__, no) => no).filter((no) => no % senders === sender);
      await wait(pauseMs);
      for (const no of numbers) {
        const what = `${op.topic}:${no}`;
        await this.#ask('send', workflowId, sender, { what }, async (client) => {
          await client.send(workflowId, op.topic, no, { idempotencyKey: what });
          return { what };
        });
      }
    });
  }

  async #cancelled(program: Program, dice: Dice): Promise<void> {
    this.#expect(program);
    await this.#start(program);
    await wait(dice.between(0, 1_500));
    const { workflowId } = program;
    await this.#ask('cancel', workflowId, 1, {}, async (client) => {
      await client.run(workflowId).cancel();
      return {};
    });
    await this.#result(workflowId, 1);
  }

  /** A run that stands in a queue by itself; some of them under an id that another one may have. */
  async #queued(program: Program, dice: Dice): Promise<void> {
    const queue: QueueName = dice.one(['narrow', 'rated'] as const);
    const priority = dice.between(0, 2);
    const id = dice.float() < 0.5 ? `d${dice.between(0, 3)}` : null;
    const { workflowId } = program;
    const isThere = await this.#ask('start', workflowId, 0, {}, async (client) => {
      const options = { workflowId, queue, priority };
      const bound = client.workflow('leaf').with(id === null ? options : { ...options, deduplication: { id } });
      await bound.start(program);
      return {};
    });
    if (!isThere) return;
    this.#expect(program);
    await this.#result(workflowId, 1);
  }

  async #start(program: Program): Promise<void> {
    const { workflowId } = program;
    await this.#ask('start', workflowId, 0, {}, async (client) => {
      await client.workflow('program').with({ workflowId }).start(program);
      return {};
    });
  }

  async #result(workflowId: string, observers: number): Promise<void> {
    const all = Array.from({ length: observers }, (_, observer) =>
      this.#ask('result', workflowId, observer, {}, async (client) => ({
        result: await client.run(workflowId).result(),
      })),
    );
    await Promise.all(all);
  }

  #expect(program: Program): void {
    for (const [workflowId, expected] of expectations(program)) this.expected.set(workflowId, expected);
  }

  /** Asks until there is an answer; answers with whether it was no refusal. */
  async #ask(
    kind: ClientEvent['kind'],
    workflowId: string,
    no: number,
    given: Answer,
    send: (client: PerdureClient) => Promise<Answer>,
  ): Promise<boolean> {
    const call = ++this.#calls;
    const note = (phase: ClientEvent['phase'], answer: Answer): void => {
      this.events.push({ at: Date.now(), call, client: `c${no}`, phase, kind, workflowId, ...answer });
    };
    note('invoke', given);
    for (;;) {
      try {
        note('ok', await send(this.#options.clients[no % 2]!));
        return true;
      } catch (error) {
        const { code = String(error) } = error as { readonly code?: string };
        if (refusals.has(code)) {
          note('fail', { what: code });
          return false;
        }
        note('info', given);
        this.troubles.push(`${kind} ${workflowId}: ${String(error)}`);
        if (this.#isAbandoned) return false;
        await wait(100);
      }
    }
  }
}

/** What a client may be told of what it asked for. */
const refusals: ReadonlySet<string> = new Set(['PERDURE_CANCELLED', 'PERDURE_RUN_DEAD', 'PERDURE_ITEM_DUPLICATE']);
