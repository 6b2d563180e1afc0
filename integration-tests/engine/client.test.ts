import {
  createToken,
  getEvent,
  InvalidInputError,
  PerdureClient,
  queue,
  receive,
  setEvent,
  sleep,
  step,
  workflow,
} from '@perdure/core';
import { expect, describe, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { upperCase } from '../support/schemas.js';

describe.each(databases)('a client on $name', ({ open }) => {
  it('starts workflows that it has no code of, and hears of their results at once', async () => {
    const test = await freshDatabase(open);
    const greet = workflow('greet', async (name: string, mark: string) => `Hello ${name}${mark}`);
    const fail = workflow('fail', async () => {
      throw new TypeError('no');
    });
    await launchEngine(test, { workflows: [greet, fail], poll });
    const client = await connectClient(test, { database: await test.reopen() });
    expect(await client.workflow<typeof greet>('greet')('Ada', '!')).toBe('Hello Ada!');
    const run = await client.workflow<typeof greet>('greet').with({ workflowId: 'hello' }).start('Bob', '?');
    expect(await run.result()).toBe('Hello Bob?');
    expect(await client.run('hello').status()).toMatchObject({ version: greet.definition.version, attempt: 1 });
    await expect(client.workflow<typeof fail>('fail')()).rejects.toMatchObject({ name: 'TypeError', message: 'no' });
  });

  it('leaves runs to whoever comes, and finds one that is there to be the same', async () => {
    const test = await freshDatabase(open);
    const other = workflow('other', async () => 0);
    const engine = await launchEngine(test, { workflows: [other] });
    const client = await connectClient(test);
    const late = client.workflow('late').with({ workflowId: 'early' });
    const runs = await Promise.all([late.start({ a: 1 }), late.start({ a: 1 })]);
    await expect(late.start({ a: 2 })).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_CONFLICT' });
    expect(await runs[0].status()).toMatchObject({ status: 'enqueued', version: '', attempt: 0 });
    await engine.shutdown();
    const lateWorkflow = workflow('late', async (input: { a: number }) => input.a);
    await launchEngine(test, { workflows: [lateWorkflow] });
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual([1, 1]);
    expect(await late.start({ a: 1 }).then((run) => run.result())).toBe(1);
  });

  it('leaves the checking of inputs and the timeout of the workflow to who has them', async () => {
    const test = await freshDatabase(open);
    const shout = workflow('shout', async (text: string) => text, { input: upperCase });
    const hang = workflow('hang', async () => await sleep('1h'), { timeout: '100ms' });
    await launchEngine(test, { workflows: [shout, hang], poll });
    const client = await connectClient(test);
    expect(await client.workflow<typeof shout>('shout')('hello')).toBe('HELLO');
    await expect(client.workflow('shout')(5)).rejects.toThrow(InvalidInputError);
    await expect(client.workflow('hang')()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    queue('narrow', { concurrency: 1 });
    const queued = { queue: 'narrow' };
    expect(await client.workflow<typeof shout>('shout').with(queued)('hi')).toBe('HI');
    await expect(client.workflow('hang').with(queued)()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
  });

  it('enqueues, many at once, with all that queues can do', async () => {
    const test = await freshDatabase(open);
    const work = workflow('work', async (n: number) => await step.run('double', () => 2 * n));
    const orders = queue('orders', { concurrency: 4 });
    await launchEngine(test, { workflows: [work], poll });
    const client = await connectClient(test);
    const named = client.workflow<typeof work>('work').with({ queue: orders });
    const runs = await Promise.all(Array.from({ length: 200 }, (_, n) => named.with({ key: `k${n % 5}` }).start(n)));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(Array.from({ length: 200 }, (_, n) => 2 * n));
    await client.queues.pause('orders');
    const once = named.with({ deduplication: { id: 'd', policy: 'attach' } });
    const [first, second] = [await once.start(1), await once.start(1)];
    expect(second.workflowId).toBe(first.workflowId);
    expect(await client.queues.get('orders')).toMatchObject({ isPaused: true, waiting: 1 });
    await first.cancel();
    expect(await first.status()).toMatchObject({ status: 'cancelled' });
    await client.queues.resume('orders');
  });

  it('sends messages, completes tokens, asks for events and watches them', async () => {
    const test = await freshDatabase(open);
    const converse = workflow('converse', async () => {
      await setEvent('progress', 1);
      const token = await createToken<string>('approval');
      await setEvent('token', token.token);
      const answers = [await receive<string>('answer'), await token.receive()];
      await setEvent('progress', 2);
      return answers;
    });
    await launchEngine(test, { workflows: [converse], poll });
    const client = await connectClient(test);
    const run = await client.workflow<typeof converse>('converse').start();
    expect(await client.getEvent(run, 'progress')).toBe(1);
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const value of client.watch(run, 'progress')) seen.push(value);
    })();
    await expect.poll(() => seen).toEqual([1]);
    await client.send(run, 'answer', 'yes');
    await client.completeToken(await client.getEvent<string>(run, 'token'), 'granted');
    expect(await run.result()).toEqual(['yes', 'granted']);
    await watching;
    expect(seen).toEqual([1, 2]);
    expect(await client.within(() => getEvent(run, 'progress'))).toBe(2);
  });

  it('needs a schema and a database that others can reach, and says so', async () => {
    const test = await freshDatabase(open);
    await expect(PerdureClient.connect({})).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    await expect(
      PerdureClient.connect({ database: test.database, schema: `${test.schema}_none` }),
    ).rejects.toMatchObject({ code: 'PERDURE_SCHEMA_MISSING' });
  });

  it('says that it was closed to those who still wait', async () => {
    const test = await freshDatabase(open);
    await launchEngine(test, { workflows: [] });
    const client = await connectClient(test);
    const run = await client.workflow('nobody').start();
    const [waiting] = await Promise.all([Promise.allSettled([run.result()]), client.close()]);
    expect(waiting).toMatchObject([{ reason: { code: 'PERDURE_ENGINE_STOPPED' } }]);
    await expect(client.workflow('nobody').start()).rejects.toMatchObject({ code: 'PERDURE_ENGINE_STOPPED' });
  });

  it('is an engine too: it starts a workflow by its name, here or elsewhere, also as a child', async () => {
    const test = await freshDatabase(open);
    const greet = workflow('greet', async (name: string) => `Hello ${name}`);
    const here = await launchEngine(test, { workflows: [greet], poll });
    expect(await here.workflow<typeof greet>('greet')('Ada')).toBe('Hello Ada');
    const delegate = workflow(
      'delegate',
      async (): Promise<string> => await there.workflow<typeof greet>('greet')('Bob'),
    );
    const there = await launchEngine(test, { workflows: [delegate], database: await test.reopen(), poll });
    expect(await there.workflow<typeof greet>('greet')('Eve')).toBe('Hello Eve');
    expect(await delegate.with({ engine: there })()).toBe('Hello Bob');
  });
});
