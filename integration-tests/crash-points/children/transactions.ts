import { step } from '@perdure/core';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments } from './stage.js';

/** Steps whose data and checkpoint are one commit, and runs that are started in a transaction of the caller. */
export function transactions({ noted, define, table }: Instruments): CrashScenario[] {
  const add = step('add', (a: number, b: number) => noted(() => a + b));

  const greeting = define('greeting', async () => await step.run('greet', () => noted(() => 'hello')));

  const booking = define('booking', async () => {
    const before = await add(1, 1);
    const booked = await step.transaction('book', (tx) =>
      noted(async () => {
        await tx.query(`insert into ${table} (id) values ($1)`, ['booked']);
        const { workflowId } = await greeting.start();
        await tx.query(`update ${table} set workflow_id = $1 where workflow_id is null`, [workflowId]);
        return workflowId;
      }),
    );
    return [before, booked.replace(/^.*:/, ''), await add(before, 1)];
  });

  const book = {
    workflows: () => [booking, greeting],
    expected: { value: [2, '1.0', 3, { value: 'hello' }] },
    rows: 1,
    async play(stage) {
      await stage.start(booking);
      const ending = await stage.ending();
      if ('code' in ending) return ending;
      return { value: [...(ending.value as unknown[]), await stage.ending(`${stage.id}:1.0`)] };
    },
  } satisfies Partial<CrashScenario>;

  return [
    crashScenario({ ...book, name: 'a transactional step' }),
    crashScenario({
      ...book,
      name: 'a transactional step, without the reply to its commit',
      isReplyLost: (name, nth) => name === 'commit transactional step' && nth === 1,
    }),
    crashScenario({
      name: 'started in a transaction of the caller',
      workflows: () => [greeting],
      expected: { value: 'hello' },
      rows: 1,
      async play(stage) {
        await stage.once('order', () =>
          stage.transaction(async (transaction) => {
            const { rows } = await transaction.query(`select 1 from ${table} where workflow_id = $1`, [stage.id]);
            if (rows.length === 0) {
              await transaction.query(`insert into ${table} (id, workflow_id) values ('ordered', $1)`, [stage.id]);
            }
            const bound = greeting.with({ workflowId: stage.id, engine: stage.perdure, transaction });
            await bound.start();
            await bound.start();
          }),
        );
        return await stage.ending();
      },
    }),
  ];
}
