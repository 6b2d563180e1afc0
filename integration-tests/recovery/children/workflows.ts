import { AsyncResource } from 'node:async_hooks';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { currentRun, type Slot, sleep, step, stream, workflow } from '@perdure/core';
import type { LedgerWriter } from './ledger-writer.js';

export interface Surroundings {
  readonly ledger: LedgerWriter;
  /** Gates are files in this folder: `name` opens the gate everywhere, `name.label` in the process of that label. */
  readonly gates: string;
  readonly label: string;
}

/** What the parent can start by name. Each body of a step is in the ledger. */
export function defineWorkflows({ ledger, gates, label }: Surroundings) {
  const gate = async (name: string): Promise<void> => {
    ledger.note('waits', name);
    const onAborted = AsyncResource.bind(() => ledger.note('aborted', name));
    currentRun()?.signal.addEventListener('abort', onAborted, { once: true });
    await gateOpens(join(gates, name), join(gates, `${name}.${label}`));
    currentRun()?.signal.removeEventListener('abort', onAborted);
  };

  const add = step('add', (a: number, b: number, at: string | null) =>
    ledger.noted(async () => {
      if (at !== null) await gate(at);
      return a + b;
    }),
  );
  const tick = step('tick', (n: number) =>
    ledger.noted(async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return n + 1;
    }),
  );
  const sign = step('sign', (at: string) =>
    ledger.noted(async () => {
      await gate(at);
      return label;
    }),
  );

  /** Adds 1 to 5, the `gateAt`-th one behind the gate `middle`, while a second chain of steps goes on beside it. */
  const gated = workflow('gated', async (start: number, gateAt: number) => {
    const additions = async (): Promise<number> => {
      let sum = start;
      for (let n = 1; n <= 5; n += 1) sum = await add(sum, n, n === gateAt ? 'middle' : null);
      return sum;
    };
    const ticks = async (): Promise<number> => {
      let ticks = 0;
      while (ticks < 12) ticks = await tick(ticks);
      return ticks;
    };
    return await Promise.all([additions(), ticks()]);
  });

  /** Says which process got through the gate. */
  const signed = workflow('signed', async (at: string) => {
    const before = await add(1, 1, null);
    const by = await sign(at);
    const after = await add(before, 1, null);
    return { before, by, after };
  });

  const lasting = workflow('lasting', async (at: string) => {
    const [, child] = await Promise.all([sleep('1s'), signed(at)]);
    return child.by;
  });

  const poison = workflow('poison', async () => {
    await add(1, 1, null);
    await step.run('kill', () => ledger.noted(() => process.kill(process.pid, 'SIGKILL')));
  });

  /** Writes to a stream in the workflow and in steps, of which the third waits at a gate with half of its values written. */
  const streaming = workflow('streaming', async (values: number) => {
    const out = stream<string>('out');
    for (let part = 0; part < 5; part += 1) {
      await out.append(`part ${part}`);
      await step.run('write', () =>
        ledger.noted(async () => {
          for (let n = 0; n < values; n += 1) {
            const durable = out.append(`${part}.${n}`);
            if (part !== 2 || n !== values / 2) continue;
            await durable;
            await gate('middle');
          }
        }),
      );
    }
  });

  const slotted = workflow('slotted', async (slot: Slot) => {
    await step.run('slot', () => ledger.noted(() => slot.at.getTime()));
  });

  const guarded = defineGuarded(ledger, add, tick);
  return { gated, signed, lasting, poison, slotted, guarded, streaming };
}

/** A workflow with a `try`, `catch` and `finally` around everything that it awaits. */
function defineGuarded(
  ledger: LedgerWriter,
  add: (a: number, b: number, at: string | null) => Promise<number>,
  tick: (n: number) => Promise<number>,
) {
  // A workflow is to write only in steps. This one breaks that rule to tell which of its blocks ran.
  async function guard<T>(what: string, wait: () => Promise<T>): Promise<T> {
    let isAnswered = false;
    try {
      const answer = await wait();
      isAnswered = true;
      return answer;
    } catch (error) {
      ledger.note('caught', `${what}: ${String(error)}`);
      throw error;
    } finally {
      if (!isAnswered) ledger.note('finally', what);
    }
  }

  const child = workflow('guarded-child', async (n: number) => {
    const sum = await guard('step of a child', () => add(n, 1, null));
    return await guard('gated step of a child', () => add(sum, 1, 'middle'));
  });

  const background = async (n: number): Promise<number> => {
    const run = await guard('start', () => child.start(n));
    return await guard('result', () => run.result());
  };
  const ticks = async (): Promise<number> => {
    let ticks = 0;
    while (ticks < 20) ticks = await guard('tick', () => tick(ticks));
    return ticks;
  };
  const failing = async (): Promise<string> => {
    const fails = (): Promise<never> =>
      step.run('fails', () => ledger.noted(() => Promise.reject(new Error('declined'))));
    try {
      return await guard('failing step', fails);
    } catch (error) {
      return (error as Error).message;
    }
  };
  return workflow('guarded', async (n: number) => {
    const first = await guard('step', () => add(n, 1, null));
    const rest = await guard('all', () =>
      Promise.all([
        guard('gated step', () => add(first, 1, 'middle')),
        guard('sleep', () => sleep('2s')),
        guard('child', () => child(first)),
        background(first),
        guard('race', () => Promise.race([sleep('1h').then(() => 0), add(first, 2, 'middle')])),
        ticks(),
        failing(),
      ]),
    );
    const last = await guard('last step', () => add(first, 10, null));
    return { rest, last };
  });
}

interface Waiter {
  readonly files: readonly string[];
  readonly open: () => void;
}

const waiters = new Set<Waiter>();
let lookout: NodeJS.Timeout | undefined;

/** Resolves when one of the files exists; never, once the step's result no longer matters. */
function gateOpens(...files: string[]): Promise<void> {
  return new Promise((resolve) => {
    const waiter = { files, open: resolve };
    waiters.add(waiter);
    lookout ??= setInterval(look, 5);
    currentRun()?.signal.addEventListener('abort', () => leave(waiter), { once: true });
  });
}

function look(): void {
  const open = new Set<string>();
  for (const file of new Set([...waiters].flatMap((waiter) => waiter.files))) if (existsSync(file)) open.add(file);
  for (const waiter of waiters) {
    if (!waiter.files.some((file) => open.has(file))) continue;
    leave(waiter);
    waiter.open();
  }
}

function leave(waiter: Waiter): void {
  waiters.delete(waiter);
  if (waiters.size > 0) return;
  clearInterval(lookout);
  lookout = undefined;
}
