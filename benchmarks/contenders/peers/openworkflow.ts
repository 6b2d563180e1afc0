import { OpenWorkflow } from 'openworkflow';
import { BackendPostgres } from 'openworkflow/postgres';
import type { Contender, Opening } from '../../contender.js';

/** Its callers poll for results once a second; what is run here is over when the function returns, before that is durable. */
export async function open({ url, role, hooks, concurrency }: Opening): Promise<Contender> {
  const backend = await BackendPostgres.connect(url);
  const openWorkflow = new OpenWorkflow({ backend });
  const returns = new Map<string, () => void>();
  const handles = new Map<string, { result(): Promise<unknown> }>();
  const returning = (id: string): void => {
    hooks.returning(id);
    returns.get(id)?.();
    returns.delete(id);
  };
  const steps = openWorkflow.defineWorkflow<{ id: string; count: number }, void>(
    { name: 'steps' },
    async ({ input: { id, count }, step }) => {
      for (let no = 0; no < count; no += 1) await step.run({ name: 'step' }, () => hooks.step(id));
      returning(id);
    },
  );
  const waiting = openWorkflow.defineWorkflow<{ id: string }, void>(
    { name: 'waiting' },
    async ({ input: { id }, step }) => {
      await step.run({ name: 'began' }, () => hooks.began(id));
      await step.waitForSignal({ signal: id });
      await step.run({ name: 'work' }, async () => {
        hooks.received(id);
        await hooks.work();
      });
      returning(id);
    },
  );
  const worker = role === 'client' ? null : openWorkflow.newWorker({ concurrency });
  await worker?.start();
  return {
    async run(id, count) {
      const over = new Promise<void>((resolve) => returns.set(id, resolve));
      await steps.run({ id, count });
      await over;
    },
    enqueue: (id) => steps.run({ id, count: 1 }),
    enqueueWaiting: async (id) => handles.set(id, await waiting.run({ id })),
    send: (id) => openWorkflow.sendSignal({ signal: id, data: null }),
    result: async (id) => await handles.get(id)?.result(),
    async close() {
      await worker?.stop();
      await backend.stop();
    },
  };
}
