import { currentRun, queue, step } from '@perdure/core';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments, Stage } from './stage.js';

/** Runs that wait in queues. */
export function queues({ noted, define, table }: Instruments): CrashScenario[] {
  const add = step('add', (a: number, b: number) => noted(() => a + b));
  const adding = define('adding in line', async () => await add(await add(1, 2), 3));
  const greeting = define('greeting in line', async () => await step.run('greet', () => noted(() => 'hello')));

  const perMinute = { limit: 60, per: '1m' };
  const narrow = queue('narrow', {
    concurrency: 1,
    rateLimit: perMinute,
    perKey: { concurrency: 1, rateLimit: perMinute },
    maxWait: '7d',
  });
  const plain = queue('plain');

  const ordering = define('ordering', async () => {
    return await step.transaction('order', (tx) =>
      noted(async () => {
        const { workflowId } = await plain.enqueue(greeting);
        await tx.query(`insert into ${table} (id, workflow_id) values ('ordered', $1)`, [workflowId]);
        await plain.with({ workflowId }).enqueue(greeting);
        return workflowId;
      }),
    );
  });

  const breaking = define('breaking in line', async () => {
    const key = await step.run('look', () => noted(() => currentRun()!.idempotencyKey));
    if (!key.includes(':r')) throw new RangeError('it has not been put back yet');
    return await add(1, 2);
  });
  const putBack = async (stage: Stage) => {
    const { deadLetters } = stage.perdure.queues;
    for (const id of [stage.id, `${stage.id}.other`]) {
      const bound = plain.with({ workflowId: id, engine: stage.perdure });
      await stage.once(`enqueue ${id}`, () => bound.enqueue(breaking));
      await stage.once(`fail ${id}`, () => stage.ending(id));
    }
    await stage.once('list', () => deadLetters.list('plain'));
    await stage.once('drop', () => deadLetters.drop('plain', { ids: [`${stage.id}.other`] }));
    await stage.once('redrive', () => deadLetters.redrive('plain', { ids: [stage.id] }));
    return await stage.ending();
  };
  const broken = { workflows: () => [breaking], expected: { value: 3 }, play: putBack, mayCatch: ['RangeError'] };

  const many = ['', '.b', '.c'];
  const givenIn = (count: number) =>
    crashScenario({
      name: `given in by a client, ${count} at once`,
      workflows: () => [adding],
      expected: { value: many.slice(0, count).flatMap(() => [{ value: 6 }, { value: 6 }]) },
      async play(stage) {
        const client = await stage.connect();
        const ids = many.slice(0, count).map((suffix) => `${stage.id}${suffix}`);
        const named = client.workflow<typeof adding>('adding in line');
        const start = (id: string) => [
          stage.once(`start ${id}`, () => named.with({ workflowId: id }).start()),
          stage.once(`enqueue ${id}`, () => named.with({ workflowId: `${id}.queued`, queue: 'plain' }).start()),
        ];
        await Promise.all(ids.flatMap(start));
        return { value: await Promise.all(ids.flatMap((id) => [stage.ending(id), stage.ending(`${id}.queued`)])) };
      },
    });
  return [
    givenIn(1),
    givenIn(3),
    crashScenario({
      name: 'queued, within every limit',
      workflows: () => [adding],
      expected: { value: many.map(() => ({ value: 6 })) },
      async play(stage) {
        const enqueue = async (suffix: string, no: number): Promise<void> => {
          const workflowId = `${stage.id}${suffix}`;
          const bound = narrow.with({ key: `${no % 2}`, priority: no, workflowId, engine: stage.perdure });
          await stage.once(`enqueue ${no}`, () => bound.enqueue(adding));
        };
        await Promise.all(many.map(enqueue));
        return { value: await Promise.all(many.map((suffix) => stage.ending(`${stage.id}${suffix}`))) };
      },
    }),
    crashScenario({
      name: 'queued, without the replies to what is written',
      workflows: () => [adding],
      expected: { value: 6 },
      isReplyLost: (name) => name.startsWith('flush_new'),
      async play(stage) {
        const bound = narrow.with({ workflowId: stage.id, engine: stage.perdure });
        await stage.once('enqueue', () => bound.enqueue(adding));
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'queued in a queue that is paused and changed',
      workflows: () => [adding],
      expected: { value: 6 },
      async play(stage) {
        const { queues } = stage.perdure;
        await stage.once('pause', () => queues.pause('plain'));
        const bound = plain.with({ workflowId: stage.id, engine: stage.perdure });
        await stage.once('enqueue', () => bound.enqueue(adding));
        await stage.once('change', () => queues.change('plain', { ageing: '1m' }));
        await stage.once('reset', () => queues.reset('plain'));
        await stage.once('resume', () => queues.resume('plain'));
        await queues.get('plain');
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'debounced, and attached to',
      workflows: () => [adding],
      expected: { value: 6 },
      async play(stage) {
        const bound = plain.with({ engine: stage.perdure });
        const debounce = { id: stage.id, wait: '1m' };
        await stage.once('enqueue', () => bound.with({ workflowId: stage.id, debounce }).enqueue(adding));
        await stage.once('put off', () => bound.with({ workflowId: `${stage.id}.late`, debounce }).enqueue(adding));
        const deduplication = { id: stage.id, policy: 'attach' } as const;
        await stage.once('attach', () => bound.with({ workflowId: `${stage.id}.last`, deduplication }).enqueue(adding));
        // Where the first one was taken before they came, they are runs of their own.
        for (const id of ['.late', '.last']) await stage.ending(`${stage.id}${id}`);
        return await stage.ending();
      },
    }),
    crashScenario({ ...broken, name: 'failed in a queue, and put back' }),
    crashScenario({
      ...broken,
      name: 'failed in a queue, and put back, without the replies to what is written',
      isReplyLost: (name, nth) => name.startsWith('flush_new') || (name.startsWith('dead_letters') && nth === 1),
    }),
    crashScenario({
      name: 'queued by a transactional step',
      workflows: () => [ordering, greeting],
      expected: { value: 'hello' },
      rows: 1,
      async play(stage) {
        await stage.start(ordering);
        const ending = await stage.ending();
        return 'code' in ending ? ending : await stage.ending(ending.value as string);
      },
    }),
  ];
}
