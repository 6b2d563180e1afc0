import { patched, sleep, step, VersionNotFoundError, workflow } from '@perdure/core';
import type { Role } from '../jobs.js';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments, Stage } from './stage.js';

/** Builds that come one after the other, and what is said of them. */
export function versions({ noted }: Instruments): CrashScenario[] {
  const called = (name: string): Promise<string> => step.run(name, () => noted(() => name));
  const promoted = workflow('promoted', async () => await called('begin'), { version: '1' });

  const adopted = (role: Role) =>
    role === 'before'
      ? workflow('adopted', async () => [await called('a'), await called('b'), await sleep('1h')], { version: '1' })
      : workflow('adopted', async () => [await called('a'), await called('b'), await called('c')], { version: '2' });

  const patching = workflow('patched in between', async () => {
    const first = await called('a');
    const more = patched('more') ? [await called('more')] : [];
    return [first, ...more.slice(1), await called('b')];
  });

  return [
    crashScenario({
      name: 'started by name, while a version is promoted and rolled back',
      workflows: () => [promoted],
      expected: { value: 'begin' },
      async play(stage) {
        const client = await stage.connect();
        const start = async (id: string): Promise<void> =>
          await stage.once(`start ${id}`, () => client.workflow('promoted').with({ workflowId: id }).start());
        await start(`${stage.id}.before`);
        await stage.ending(`${stage.id}.before`);
        await stage.once('promote', () => client.versions.promote('promoted', '1'));
        await start(stage.id);
        await client.versions.list();
        await client.versions.stranded();
        await stage.once('roll back', () => rolledBack(stage));
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'checked, and adopted by a build that fits',
      workflows: (role) => [adopted(role)],
      expected: { value: ['a', 'b', 'c'] },
      itemsPerFlush: 1,
      prelude: [{ name: 'flush_new_none_one_none', nth: 2, phase: 'unheard' }],
      async play(stage) {
        await stage.start(this.workflows(stage.role)[0]!);
        if (stage.role === 'before') return await stage.ending();
        const version = async (): Promise<string> => (await stage.perdure.run(stage.id).status()).version;
        while ((await version()) !== '2') {
          for await (const { verdict, reason } of stage.perdure.check({ adopt: 'compatible' }))
            if (verdict === 'diverges') throw new Error(reason ?? verdict);
          await nextLook();
        }
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'patched',
      workflows: () => [patching],
      expected: { value: ['a', 'b'] },
      itemsPerFlush: 1,
    }),
  ];
}

/** An earlier process may have done it, and not have heard that it did. */
async function rolledBack(stage: Stage): Promise<void> {
  try {
    await stage.perdure.versions.rollBack('promoted');
  } catch (error) {
    if (!(error instanceof VersionNotFoundError)) throw error;
  }
}

const nextLook = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
