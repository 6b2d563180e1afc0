import { completeToken, createToken, getEvent, receive, send, setEvent, step } from '@perdure/core';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments } from './stage.js';

/** Messages from outside, from workflows and in transactions, and waiting for them; and events. */
export function messages({ noted, define, table }: Instruments): CrashScenario[] {
  const inbox = define('inbox', async () => {
    const first = await receive('news');
    const rest = [await step.run('between', () => noted(() => 'between')), await receive('news', { timeout: '1h' })];
    const none = await receive('silence', { timeout: '1h' }).catch((error: { code: string }) => error.code);
    return [first, ...rest, none];
  });
  const both = define('both', async () => (await Promise.all([receive('news'), receive('news')])).toSorted());
  const expected = { value: ['one', 'between', 'two', 'PERDURE_RECEIVE_TIMEOUT'] };

  const asking = define('asking', async () => {
    const child = await answering.start();
    await send(child, 'news', 'one');
    await send(child, 'news', 'two');
    return await child.result();
  });
  const answering = define('answering', async () => [await receive('news'), await receive('news')]);

  const handing = define('handing', async () => {
    const token = await createToken('answer');
    await setEvent('token', token.token);
    return [await token.receive(), await step.run('after', () => noted(() => 'after'))];
  });

  const telling = define('telling', async () => {
    for (const part of [1, 2]) {
      await setEvent('part', part);
      await step.run('part', () => noted(() => part));
    }
    return 'told';
  });

  return [
    crashScenario({
      name: 'a token',
      workflows: () => [handing],
      expected: { value: ['yes', 'after'] },
      itemsPerFlush: 1,
      async play(stage) {
        await stage.start(handing);
        await stage.once('complete', async () => {
          const token = await getEvent<string>(stage.id, 'token', { engine: stage.perdure });
          await completeToken(token, 'yes', { engine: stage.perdure });
        });
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'events',
      workflows: () => [telling],
      expected: { value: ['told', 2] },
      itemsPerFlush: 1,
      async play(stage) {
        await stage.start(telling);
        const ending = await stage.ending();
        const part = await getEvent(stage.id, 'part', { engine: stage.perdure });
        return 'code' in ending ? ending : { value: [ending.value, part] };
      },
    }),
    crashScenario({
      name: 'messages from outside',
      workflows: () => [inbox],
      expected,
      itemsPerFlush: 1,
      mayCatch: ['PERDURE_RECEIVE_TIMEOUT'],
      async play(stage) {
        await stage.start(inbox);
        for (const text of ['one', 'two']) {
          const options = { idempotencyKey: text, engine: stage.perdure };
          await stage.once(`send ${text}`, () => send(stage.id, 'news', text, options));
        }
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'messages at once, without the replies to what is written',
      workflows: () => [both],
      expected: { value: ['one', 'two'] },
      isReplyLost: (name, nth) => (name.startsWith('messages_send') && nth === 1) || name.startsWith('flush_new'),
      async play(stage) {
        await stage.start(both);
        await Promise.all(
          ['one', 'two'].map((text) => {
            const options = { idempotencyKey: text, engine: stage.perdure };
            return stage.once(`send ${text}`, () => send(stage.id, 'news', text, options));
          }),
        );
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'messages from a workflow',
      workflows: () => [asking, answering],
      expected: { value: ['one', 'two'] },
      itemsPerFlush: 1,
    }),
    crashScenario({
      name: 'messages in a transaction of the caller',
      workflows: () => [inbox],
      expected,
      mayCatch: ['PERDURE_RECEIVE_TIMEOUT'],
      rows: 1,
      async play(stage) {
        await stage.start(inbox);
        await stage.once('tell', () =>
          stage.transaction(async (transaction) => {
            const { rows } = await transaction.query(`select 1 from ${table} where workflow_id = $1`, [stage.id]);
            if (rows.length > 0) return;
            await transaction.query(`insert into ${table} (id, workflow_id) values ('told', $1)`, [stage.id]);
            for (const text of ['one', 'two']) {
              await send(stage.id, 'news', text, { transaction, engine: stage.perdure });
            }
          }),
        );
        return await stage.ending();
      },
    }),
  ];
}
