import { sleep, step, workflow } from '@perdure/core';
import { deferred } from '../../../packages/core/src/util/deferred.js';
import type { Role } from '../jobs.js';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments, Stage } from './stage.js';

/** Runs that change hands, and runs of which several engines know. */
export function owners({ noted, define }: Instruments): CrashScenario[] {
  const add = step('add', (a: number, b: number) => noted(() => a + b));
  const gate = deferred<void>();
  const pass = (): Promise<string> => step.run('pass', () => noted(() => gate.promise.then(() => 'passed')));

  const adding = define('adding', async () => await add(await add(await add(1, 2), 3), 4));
  const many = (stage: Stage): string[] => ['', '.b', '.c'].map((suffix) => `${stage.id}${suffix}`);
  const playMany = async (stage: Stage) => {
    await Promise.all(many(stage).map((id) => stage.start(adding, id)));
    const endings = await Promise.all(many(stage).map((id) => stage.ending(id)));
    return { value: endings };
  };
  const manyExpected = { value: [{ value: 10 }, { value: 10 }, { value: 10 }] };

  const sleeper = define('sleeper', async () => {
    await sleep('1h');
    return await add(1, 1);
  });

  const handedOver = define('handed over', async () => {
    const [passed] = await Promise.all([pass(), sleep('1d')]);
    return [passed, await add(1, 1)];
  });

  const watched = define('watched', async () => [await pass(), await add(1, 1)]);

  // A build in between has the calls in another order.
  const changed = (role: Role) => {
    const [a, b] = ['a', 'b'].map((name) => () => step.run(name, () => noted(() => name)));
    const right = async (): Promise<unknown> => {
      const called = [await a!(), await b!()];
      await sleep('1h');
      return called;
    };
    const wrong = async (): Promise<unknown> => [await b!(), await a!()];
    return workflow('changed', role === 'tested' ? wrong : right, { version: '1' });
  };

  return [
    crashScenario({ name: 'several at once', workflows: () => [adding], expected: manyExpected, play: playMany }),
    crashScenario({
      name: 'several at once, without the replies to what they write',
      workflows: () => [adding],
      expected: manyExpected,
      play: playMany,
      isReplyLost: (name) => name.startsWith('flush_new'),
    }),
    crashScenario({
      name: 'one alone, without the replies to what it writes',
      workflows: () => [adding],
      expected: { value: 10 },
      isReplyLost: (name) => name.startsWith('flush_new'),
    }),
    crashScenario({
      name: 'taken over',
      workflows: () => [adding],
      expected: manyExpected,
      play: playMany,
      itemsPerFlush: 1,
      prelude: [{ name: 'flush_new_none_one_none', nth: 4, phase: 'unheard' }],
    }),
    crashScenario({
      name: 'taken over, without the replies to the claims',
      workflows: () => [adding],
      expected: manyExpected,
      play: playMany,
      itemsPerFlush: 1,
      prelude: [{ name: 'flush_new_none_one_none', nth: 4, phase: 'unheard' }],
      isReplyLost: (name, nth) => name === 'claims_take' && nth <= 4,
    }),
    crashScenario({
      name: 'suspected and acquitted',
      workflows: () => [sleeper],
      expected: { value: 2 },
      prelude: [
        { name: 'flush_new_none_one_none', nth: 1, phase: 'unheard' },
        { name: 'runs_load_histories', nth: 1, phase: 'after' },
      ],
    }),
    crashScenario({
      name: 'blocked by changed code',
      workflows: (role) => [changed(role)],
      expected: { value: ['a', 'b'] },
      itemsPerFlush: 1,
      prelude: [{ name: 'flush_new_none_one_none', nth: 2, phase: 'unheard' }],
      async play(stage) {
        await stage.start(this.workflows(stage.role)[0]!);
        if (stage.role !== 'tested') return await stage.ending();
        while ((await stage.perdure.run(stage.id).status()).status !== 'blocked') await nextLook();
        await stage.once('unblock', () => stage.perdure.runs.resume(stage.id));
        return null;
      },
    }),
    crashScenario({
      name: 'handed over',
      workflows: () => [handedOver],
      expected: { value: ['passed', 2] },
      async play(stage) {
        await stage.start(handedOver);
        if (stage.role === 'tested') {
          await stage.begun('pass');
          const gone = stage.perdure.shutdown();
          gate.resolve();
          await gone;
          return null;
        }
        gate.resolve();
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'awaited in another engine',
      workflows: () => [watched],
      expected: { value: ['passed', 2] },
      async play(stage) {
        const other = await stage.launch([]);
        await stage.start(watched);
        const ending = stage.ending(stage.id, other);
        await other.run(stage.id).status();
        gate.resolve();
        return await ending;
      },
    }),
    crashScenario({
      name: 'started in two engines',
      workflows: () => [watched],
      expected: { value: [{ value: ['passed', 2] }, { value: ['passed', 2] }] },
      async play(stage) {
        const other = await stage.launch([watched]);
        await stage.start(watched);
        await stage.once('start it again', () => watched.with({ workflowId: stage.id, engine: other }).start());
        gate.resolve();
        return { value: [await stage.ending(), await stage.ending(stage.id, other)] };
      },
    }),
  ];
}

const nextLook = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
