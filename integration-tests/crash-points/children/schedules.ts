import { step } from '@perdure/core';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments, Stage } from './stage.js';

/** Runs that a schedule starts. */
export function schedules({ noted, define }: Instruments): CrashScenario[] {
  const tick = define('tick', async () => await step.run('tick', () => noted(() => 'ticked')));

  const firedRun = async (stage: Stage): Promise<string> => {
    for (;;) {
      const { lastWorkflowId } = await stage.perdure.schedules.get(stage.id);
      if (lastWorkflowId !== null) return lastWorkflowId;
      stage.clock.advance(600_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const scenario = (overlap: 'allow' | 'queue') =>
    crashScenario({
      name: `scheduled, with overlap "${overlap}"`,
      workflows: () => [tick],
      expected: { value: 'ticked' },
      async play(stage) {
        const { schedules } = stage.perdure;
        const timing = { timing: { every: '1h' }, workflow: tick, maxRuns: 1, overlap } as const;
        await stage.once('set', () => schedules.set(stage.id, timing));
        await stage.once('pause', () => schedules.pause(stage.id));
        await stage.once('resume', () => schedules.resume(stage.id));
        let run = '';
        await stage.once('fire', async () => void (run = await firedRun(stage)));
        if (run === '') run = await firedRun(stage);
        const ending = await stage.ending(run);
        await stage.once('other', () => schedules.set(`${stage.id}.other`, timing));
        await stage.once('delete', () => schedules.delete(`${stage.id}.other`).catch(() => {}));
        return ending;
      },
    });
  return [scenario('allow'), scenario('queue')];
}
