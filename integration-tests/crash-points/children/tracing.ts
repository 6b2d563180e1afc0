import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { queue, receive, step } from '@perdure/core';
import { awaitedByActiveSpan, spanIdsInProcess } from '@perdure/core/internal';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments } from './stage.js';

/** Runs in processes that can tell what other processes had no time to export: some with callers who wait, some that are changed. */
export function traced({ noted, define }: Instruments): CrashScenario[] {
  const awaited = queue('awaited');
  const work = define('awaited in line', async () => await step.run('work', () => noted(() => 'worked')));
  const held = define('held back', async () => await receive<string>('go'));
  return [
    crashScenario({
      name: 'traced, with a caller who waits',
      workflows: () => [work],
      expected: { value: 'worked' },
      prelude: [{ name: 'flush_new_none_none_none_enqueued_one', nth: 1, phase: 'after' }],
      setUp: traceHere,
      play: async (stage) => {
        const bound = awaited.with({ workflowId: stage.id, engine: stage.perdure });
        await stage.once('enqueue', () => awaitedByActiveSpan(() => bound.enqueue(work)));
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'traced, cancelled, and resumed',
      workflows: () => [held],
      expected: { value: 'gone on' },
      setUp: traceHere,
      play: async (stage) => {
        const { runs } = stage.perdure;
        await stage.start(held);
        await stage.once('cancel', () => runs.cancel(stage.id));
        await stage.once('cancelled', () => stage.ending());
        await stage.once('resume', () => runs.resume(stage.id));
        await stage.once('send', () => stage.perdure.send(stage.id, 'go', 'gone on', { idempotencyKey: 'only' }));
        return await stage.ending();
      },
    }),
  ];
}

/** An SDK, unless this process has one. Other scenarios may follow in it. */
function traceHere(): () => void {
  if (!trace.setGlobalTracerProvider(new BasicTracerProvider())) return () => {};
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  const sentStarts = { oldestUnsent: () => null, forget: () => {}, listeners: new Set<() => void>() };
  Object.assign(spanIdsInProcess(), { exportDelayMs: 1_000, sentStarts });
  return () => {
    trace.disable();
    context.disable();
    Object.assign(spanIdsInProcess(), { exportDelayMs: null, sentStarts: null });
  };
}
