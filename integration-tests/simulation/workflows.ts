import {
  CancelledError,
  currentRun,
  getEvent,
  queue,
  random,
  receive,
  ReceiveTimeoutError,
  send,
  setEvent,
  sleep,
  step,
  stream,
  workflow,
} from '@perdure/core';
import { concurrencyOf, type Op, type Program } from './program.js';

const queues = {
  narrow: queue('narrow', { concurrency: concurrencyOf.narrow }),
  wide: queue('wide', { concurrency: concurrencyOf.wide }),
};

/** What the code of workflows does to the world around it, and what is noticed of it. */
export interface Surroundings {
  /** Where transactional steps write. */
  readonly table: string;
  /** The body of a step begins. */
  readonly begins: (key: { readonly workflowId: string; readonly seq: number; readonly attempt: number }) => void;
  /** Takes time of the process that the body runs in. */
  readonly takes: (ms: number) => Promise<void>;
  /** A sleep begins, in this execution or an earlier one. */
  readonly fallsAsleep: (path: string, ms: number) => void;
  readonly wakes: (path: string, ms: number) => void;
  /** User code was shown an error that is none of its own. */
  readonly isShown: (error: unknown) => void;
}

type Work = (program: Program) => Promise<unknown[]>;

/** The workflows of all simulations, as one process has them. */
export function defineWorkflows(around: Surroundings) {
  const perform: Work = async (program) => {
    const results: unknown[] = [];
    for (const op of program) results.push(await performOp(op));
    return results;
  };

  async function performOp(op: Op): Promise<unknown> {
    const { workflowId } = currentRun()!;
    switch (op.kind) {
      case 'step':
        return await step.run(op.path, () => tried(op.takesMs, op.failures, () => op.value), retrying(op.failures));
      case 'doomed':
        return await step
          .run(op.path, () => tried(0, Infinity, () => null, `${op.path} fails`), retrying(op.retries))
          .catch((error: unknown) => {
            if (error instanceof Error && error.message === `${op.path} fails`) return error.message;
            throw error;
          });
      case 'transaction':
        return await effect(op.path, op.value);
      case 'sleep':
        around.fallsAsleep(`${workflowId} ${op.path}`, op.ms);
        await sleep(op.ms);
        around.wakes(`${workflowId} ${op.path}`, op.ms);
        return 'slept';
      case 'random': {
        const drawn = random();
        return [drawn, await step.run(op.path, () => drawn)];
      }
      case 'all':
        return await Promise.all(op.branches.map(perform));
      case 'race':
        return await Promise.race(op.branches.map(async (branch, index) => [index, await perform(branch)]));
      case 'child': {
        const child = op.queue === null ? program : program.with({ queue: queues[op.queue] });
        if (op.isCalled) return await child(op.program);
        const run = await child.start(op.program);
        return await run.result();
      }
      case 'talk': {
        const run = await program.start([{ kind: 'listen', count: op.values.length, withEvent: op.withEvent }]);
        for (const value of op.values) await send(run, 'talk', value);
        const sum = op.withEvent ? await getEvent<number>(run, 'sum') : null;
        return [sum, await run.result()];
      }
      case 'listen': {
        const heard: number[] = [];
        while (heard.length < op.count) heard.push(await receive<number>('talk'));
        if (op.withEvent)
          await setEvent(
            'sum',
            heard.reduce((all, one) => all + one, 0),
          );
        return heard;
      }
      case 'receive': {
        const received: unknown[] = [];
        while (received.length < op.count) received.push(await receive(op.topic));
        return received;
      }
      case 'wait':
        return await receive('nothing', { timeout: op.ms }).catch((error: unknown) => {
          if (error instanceof ReceiveTimeoutError) return 'nothing came';
          throw error;
        });
      case 'stream': {
        const written = stream<number>(op.path);
        for (const value of op.values) await written.append(value);
        return op.values.length;
      }
    }
  }

  async function effect<T>(path: string, value: T): Promise<T> {
    const { workflowId } = currentRun()!;
    return await step.transaction(path, async (tx) => {
      await tx.query(`insert into ${around.table} (workflow_id, path) values ($1, $2)`, [workflowId, path]);
      return value;
    });
  }

  async function tried<T>(takesMs: number, failures: number, value: () => T, message = 'not yet'): Promise<T> {
    const { workflowId, step: info } = currentRun()!;
    const { seq, attempt } = info!;
    around.begins({ workflowId, seq, attempt });
    if (takesMs > 0) await around.takes(takesMs);
    // Without a stack, which names the folders of this machine.
    if (attempt <= failures) throw Object.assign(new Error(message), { stack: undefined });
    return value();
  }

  const program = workflow(
    'program',
    async (given: Program): Promise<unknown[]> => {
      try {
        return await perform(given);
      } catch (error) {
        around.isShown(error);
        throw error;
      }
    },
    { version: '1' },
  );
  const saga = workflow(
    'saga',
    async (given: Program): Promise<unknown[]> => {
      const { workflowId } = currentRun()!;
      await effect('do', null);
      try {
        return await perform(given);
      } catch (error) {
        // Of a child that is cancelled with it, it hears nothing.
        const isItsEnd = error instanceof CancelledError && error.data['workflowId'] === workflowId;
        if (!isItsEnd) around.isShown(error);
        // What a child ran out of time with comes first where its own end comes then.
        await effect('undo', null).catch(() => effect('undo again', null));
        throw error;
      }
    },
    { version: '1', onCancel: 'throw' },
  );
  const tick = workflow('tick', () => step.run('tick', () => tried(0, 0, () => 'ticked')), { version: '1' });
  return { program, saga, tick };
}

const retrying = (retries: number) => ({ retries, backoff: { initial: 200, max: 1_000 } });
