import { setTimeout as wait } from 'node:timers/promises';
import {
  currentRun,
  getEvent,
  queue,
  receive,
  schedule,
  send,
  setEvent,
  sleep,
  type Slot,
  step,
  type TransactionClient,
  type Workflow,
  workflow,
} from '@perdure/core';
import { mix, worthOf } from '../model.js';
import { type Op, type PlainOp, type Program, queueSettings, tickEveryMs } from '../programs.js';
import type { Ledger } from './ledger.js';

interface Result {
  readonly value: number;
}

export interface Surroundings {
  readonly ledger: Ledger;
  /** The version of what the clients start; what waits in queues has one that never changes. */
  readonly build: string;
  readonly ticksFrom: number;
  readonly ticksUntil: number;
}

/** The workflows of the torture: programs, those that wait in queues, and what a schedule starts. */
export function defineWorkflows({ ledger, build, ticksFrom, ticksUntil }: Surroundings) {
  const queues = {
    narrow: queue('narrow', queueSettings.narrow),
    keyed: queue('keyed', queueSettings.keyed),
    rated: queue('rated', queueSettings.rated),
  };
  const program: Workflow<[Program], Result> = workflow('program', (given: Program) => run(given), { version: build });
  const leaf = workflow('leaf', (given: Program) => run(given), { version: 'leaf' });
  const tick = workflow(
    'tick',
    async (slot: Slot) => {
      await step.run('tick', () => {
        ledger.note('begin');
        ledger.note('slot', { what: `${slot.at.getTime()}` });
      });
    },
    { version: 'tick' },
  );
  const [from, until] = [new Date(ticksFrom), new Date(ticksUntil)];
  schedule('ticks', { every: tickEveryMs }, tick, { from, until });
  return [program, leaf, tick];

  async function run({ ops }: Program): Promise<Result> {
    let value = 0;
    for (const op of ops) value = await guarded(() => perform(op, value));
    return { value };
  }

  /** Notes what a catch block is told of. That is no step, which breaks a rule, to see what the engine lets workflows see. */
  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      ledger.note('caught', { what: (error as Error).name });
      throw error;
    }
  }

  async function perform(op: Op, value: number): Promise<number> {
    switch (op.op) {
      case 'race': {
        const one = (which: 'first' | 'second'): Promise<'first' | 'second'> =>
          stepAfter(`${op.name} ${which}`, op[which], () => which);
        const both = [one('first'), one('second')] as const;
        const winner = await Promise.race(both);
        await step.run(`${op.name} after ${winner}`, () => ledger.noted(() => null));
        await Promise.all(both);
        return mix(value, op.first + op.second);
      }
      case 'overtake':
        return await Promise.race([
          sleep('1h').then(() => -1),
          step.run(op.name, () => ledger.noted(() => mix(value, op.add))),
        ]);
      case 'chains': {
        const ends = await Promise.all(op.chains.map((chain) => inOrder(chain, value)));
        return ends.reduce(mix, value);
      }
      case 'child': {
        const bound = program.with({ workflowId: op.program.workflowId });
        const child = op.isCalled ? await bound(op.program) : await (await bound.start(op.program)).result();
        return mix(value, child.value);
      }
      case 'queued': {
        const named = queues[op.queue].with({ workflowId: op.program.workflowId });
        const queued = await (op.key === '' ? named : named.with({ key: op.key })).enqueue(leaf, op.program);
        return mix(value, (await queued.result()).value);
      }
      case 'receive': {
        let worth = 0;
        for (let count = 0; count < op.count; count += 1) {
          const no = await receive<number>(op.topic);
          worth += await step.run(op.name, () => {
            ledger.note('received', { what: `${op.topic}:${no}` });
            return worthOf(no);
          });
        }
        return mix(value, worth);
      }
      case 'exchange': {
        await setEvent(op.name, op.value);
        const child = await program.with({ workflowId: op.child.workflowId }).start(op.child);
        const answer = await receive<number>(op.name);
        return mix(mix(value, answer), (await child.result()).value);
      }
      case 'answer': {
        const asked = await getEvent<number>(op.to, op.name);
        await send(op.to, op.name, asked * 2);
        return value;
      }
      case 'forever':
        return await receive<number>('never');
      case 'poison':
        return await step.run('kill', () => {
          ledger.note('begin');
          process.kill(process.pid, 'SIGKILL');
          return 0;
        });
      default:
        return await performPlain(op, value);
    }
  }

  async function inOrder(ops: readonly PlainOp[], from: number): Promise<number> {
    let value = from;
    for (const op of ops) value = await performPlain(op, value);
    return value;
  }

  async function performPlain(op: PlainOp, value: number): Promise<number> {
    switch (op.op) {
      case 'step':
        return await stepAfter(op.name, op.takesMs, () => mix(value, op.add));
      case 'flaky':
        return await step.run(
          op.name,
          () =>
            ledger.noted(() => {
              if (currentRun()!.step!.attempt <= op.failures) throw new Declined();
              return mix(value, op.add);
            }),
          { retries: op.failures, backoff: { initial: 20 } },
        );
      case 'declined':
        try {
          return await step.run<number>(op.name, () => ledger.noted(() => Promise.reject(new Declined())));
        } catch (error) {
          ledger.note('caught', { what: (error as Error).name });
          return mix(value, 7);
        }
      case 'book':
        return await step.transaction(op.name, (tx: TransactionClient) =>
          ledger.noted(() => book(tx, mix(value, op.add)), { isTransaction: true }),
        );
      case 'sleep': {
        const sinceSeq = await step.run(`${op.name} before`, () => ledger.noted(() => currentRun()!.step!.seq));
        await sleep(op.ms);
        const slept = { ms: op.ms, sinceSeq };
        return await step.run(`${op.name} after`, () => ledger.noted(() => mix(value, op.ms), { slept }));
      }
    }
  }

  function stepAfter<T>(name: string, ms: number, result: () => T): Promise<Awaited<T>> {
    return step.run(name, () =>
      ledger.noted(async () => {
        if (ms > 0) await wait(ms);
        return result();
      }),
    );
  }

  async function book(tx: TransactionClient, value: number): Promise<number> {
    const { workflowId, step: inStep } = currentRun()!;
    await tx.query('insert into public.booked (workflow_id, seq) values ($1, $2)', [workflowId, inStep!.seq]);
    return value;
  }
}

class Declined extends Error {
  override readonly name = 'Declined';
}
