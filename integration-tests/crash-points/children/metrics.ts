import { metrics } from '@opentelemetry/api';
import { queue, step } from '@perdure/core';
import { Collector } from '../../metrics/collector.js';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments } from './stage.js';

/** Engines in a process whose metrics are collected. */
export function collected({ noted, define }: Instruments): CrashScenario[] {
  const counted = queue('counted');
  const work = define('measured', async () => await step.run('work', () => noted(() => 'worked')));
  return [
    crashScenario({
      name: 'metrics collected while it runs',
      workflows: () => [work],
      expected: { value: 'worked' },
      play: async (stage) => {
        const collector = new Collector();
        collector.register();
        const engine = await stage.launch([work]);
        // Other scenarios may follow in this process.
        metrics.disable();
        await collector.collect();
        await stage.once('enqueue', () => counted.with({ workflowId: stage.id, engine }).enqueue(work));
        return await stage.ending(stage.id, engine);
      },
    }),
  ];
}
