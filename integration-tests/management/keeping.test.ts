import { randomUUID } from 'node:crypto';
import { currentRun, Perdure, queue, receive, type RunArchive, step, stream, workflow } from '@perdure/core';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases } from '../support/databases.js';
import { afterThisTest, connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { losingAReply } from '../support/losing-a-reply.js';
import { createRestrictedRole, prepareSchema } from '../support/restricted-role.js';

const echo = workflow('echo', async (value: unknown) => await step.run('echo', () => value));
const waiting = workflow('waiting', async () => await receive('never'));

describe.each(databases)('what is kept of runs on $name', ({ open }) => {
  it('is what is young enough, or among the newest of a workflow; what has not ended stays, and so do its children', async () => {
    const parent = workflow('parent', async () => [await echo('child'), await receive('never')]);
    const failing = workflow('failing', () => Promise.reject(new Error('no')));
    const engine = await launchEngine(await freshDatabase(open), { workflows: [echo, waiting, parent, failing] });
    await waiting.with({ engine, workflowId: 'open' }).start();
    await parent.with({ engine, workflowId: 'parent' }).start();
    await expect.poll(async () => (await engine.runs.steps('parent')).length).toBe(1);
    await queue('kept').with({ engine, workflowId: 'letter' }).enqueue(failing);
    await engine
      .run('letter')
      .result()
      .catch(() => {});
    for (const id of ['a', 'b', 'c', 'd']) await echo.with({ engine, workflowId: id })(id);
    const left = async () => (await engine.runs.list({}, { order: 'oldest' })).runs.map(({ workflowId }) => workflowId);

    expect(await engine.runs.prune([{ olderThan: '1h' }])).toEqual({ deleted: 0, isPart: false });
    expect(await engine.runs.prune([{ workflow: 'echo', keep: 3 }])).toEqual({ deleted: 1, isPart: false });
    expect(await left()).toEqual(['open', 'parent', 'parent.0', 'letter', 'b', 'c', 'd']);
    expect(await engine.runs.prune([{ workflow: 'echo', keep: 0 }], { limit: 1 })).toEqual({
      deleted: 1,
      isPart: true,
    });
    expect(await engine.runs.prune([{ workflow: 'echo', olderThan: '1h' }, { olderThan: 0 }])).toEqual({
      deleted: 1,
      isPart: false,
    });
    expect(await left()).toEqual(['open', 'parent', 'parent.0', 'c', 'd']);
    expect(await engine.queues.get('kept')).toMatchObject({ deadLetters: 0 });
    expect(await engine.runs.prune([{ olderThan: 0 }])).toEqual({ deleted: 2, isPart: false });
    expect(await left()).toEqual(['open', 'parent', 'parent.0']);
    for (const rules of [
      [{}],
      [{ keep: 1 }],
      [{ workflow: 'a', keep: -1 }],
      [{ olderThan: 'soon' }],
      [{ olderThan: 1 }, { olderThan: 2 }],
    ]) {
      await expect(engine.runs.prune(rules)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    }
  });

  it('is so many of a workflow that ended in one way, however many ended in another', async () => {
    const picky = workflow('picky', (isFine: boolean) =>
      isFine ? Promise.resolve() : Promise.reject(new Error('no')),
    );
    const engine = await launchEngine(await freshDatabase(open), { workflows: [picky] });
    for (const id of ['failed 1', 'failed 2', 'fine 1', 'fine 2', 'fine 3']) {
      await picky
        .with({ engine, workflowId: id })(id.startsWith('fine'))
        .catch(() => {});
    }
    const rule = { workflow: 'picky', status: 'failed' } as const;
    expect(await engine.runs.prune([{ ...rule, keep: 2 }])).toEqual({ deleted: 0, isPart: false });
    expect(await engine.runs.prune([{ ...rule, keep: 1 }])).toEqual({ deleted: 1, isPart: false });
    const { runs } = await engine.runs.list({}, { order: 'oldest' });
    expect(runs.map(({ workflowId }) => workflowId)).toEqual(['failed 2', 'fine 1', 'fine 2', 'fine 3']);
  });

  it('goes in small batches that wait for nobody and that no claim waits for', async () => {
    const test = await freshDatabase(open);
    const database = countingDatabase(test.database);
    const engine = await launchEngine({ ...test, database }, { workflows: [echo] });
    const ids = Array.from({ length: 450 }, (_, no) => `old ${no}`);
    await Promise.all(ids.map((workflowId) => echo.with({ engine, workflowId })(0)));
    const pruned = engine.runs.prune([{ olderThan: 0 }]);
    const meanwhile = await Promise.all(
      Array.from({ length: 50 }, (_, no) => echo.with({ engine, workflowId: `new ${no}` })(no)),
    );
    expect(meanwhile).toHaveLength(50);
    expect((await pruned).deleted).toBeGreaterThanOrEqual(450);
    expect(database.count('run_removal_remove_passing')).toBeGreaterThanOrEqual(3);
    expect((await engine.runs.list({ idPrefix: 'old' })).runs).toEqual([]);
  });

  it('is found without looking at the many runs that another rule is about', async () => {
    const test = await freshDatabase(open);
    const database = countingDatabase(test.database);
    const other = workflow('other', async () => {});
    const engine = await launchEngine({ ...test, database }, { workflows: [echo, other] });
    await Promise.all(Array.from({ length: 450 }, (_, no) => echo.with({ engine })(no)));
    await other.with({ engine })();
    const rules = [{ workflow: 'echo', olderThan: '1d' }, { olderThan: 0 }];
    expect(await engine.runs.prune(rules)).toEqual({ deleted: 1, isPart: false });
    expect(database.count('run_listing_list')).toBe(rules.length);
  });

  it('is nothing of a run that is deleted while its process does not know yet that its end is durable', async () => {
    const test = await freshDatabase(open);
    const { database, lost, sendAgain } = losingAReply(test.database, /_flush_new_none_one_one/);
    const engine = await launchEngine({ ...test, database }, { workflows: [echo] });
    const run = await echo.with({ engine, workflowId: 'brief' }).start('first');
    await lost;
    const client = await connectClient({ ...test, database: await test.reopen() });
    expect((await client.runs.delete('brief')).changed).toEqual(['brief']);
    sendAgain();
    expect(await run.result()).toBe('first');
    await expect(client.run('brief').status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    await echo.with({ engine, workflowId: 'brief' })('second');
    expect(await client.run('brief').result()).toBe('second');
  });

  it('is what the engine was launched to keep, without anybody asking', async () => {
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [echo] });
    await echo.with({ engine, workflowId: 'old' })(1);
    await engine.shutdown();
    const later = await testEngine(
      { ...test, database: await test.reopen() },
      { workflows: [echo], retention: [{ olderThan: '1d' }] },
    );
    await expect
      .poll(async () => {
        later.clock.advance(61_000);
        return (await later.perdure.runs.list()).runs.length;
      })
      .toBe(0);
  });

  it('can be taken to another database with its history, and goes on there', async () => {
    const [there, here] = [await freshDatabase(open), await freshDatabase(open)];
    const ran: string[] = [];
    const child = workflow('child', async () => await step.run('in child', () => 'child'));
    const moved = workflow('moved', async (order: { id: number; card: string }) => {
      await step.run('before', () => void ran.push('before'));
      await stream<number>('log').append(1);
      const answers = [await child(), await receive<string>('news'), await receive<string>('news')];
      return await step.run('after', () => {
        ran.push('after');
        return [currentRun()!.workflowId, order.id, ...answers];
      });
    });
    const production = await launchEngine(there, { workflows: [moved, child] });
    await moved
      .with({ engine: production, workflowId: 'm', attributes: { tenant: 'acme' } })
      .start({ id: 1, card: '4111' });
    await production.send('m', 'news', 'first');
    await expect.poll(async () => (await production.runs.steps('m')).length).toBe(4);
    const archive = JSON.parse(JSON.stringify(await production.runs.export('m'))) as RunArchive;
    expect(archive.runs.map(({ run }) => run.workflow_id)).toEqual(['m', 'm.0']);

    const local = await launchEngine(here, { workflows: [moved, child] });
    expect(await local.runs.import(archive)).toEqual({ imported: ['m', 'm.0'], existing: [] });
    expect(await local.runs.import(archive)).toEqual({ imported: [], existing: ['m', 'm.0'] });
    expect(await local.run('m').status()).toMatchObject({ status: 'cancelled', attributes: { tenant: 'acme' } });
    expect(await local.runs.steps('m')).toEqual(await production.runs.steps('m'));
    expect(await local.run('m.0').result()).toBe('child');
    expect((await local.runs.resume('m')).changed).toEqual(['m']);
    await local.send('m', 'news', 'second');
    expect(await local.run('m').result()).toEqual(['m', 1, 'child', 'first', 'second']);
    expect(ran).toEqual(['before', 'after']);
    expect(await production.run('m').status()).toMatchObject({ status: 'running' });
    for (const strange of [{}, null, { ...archive, format: 'other' }, { ...archive, formatVersion: 2 }] as never[]) {
      await expect(local.runs.import(strange)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    }
    await expect(local.runs.export('none')).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });

  it('is said to be imported also when the reply was lost that said so first, and to exist if it was there before', async () => {
    const production = await launchEngine(await freshDatabase(open), { workflows: [echo] });
    await echo.with({ engine: production, workflowId: 'm' })('theirs');
    const archive = await production.runs.export('m');
    const here = await freshDatabase(open);
    const { database, sendAgain } = losingAReply(here.database, /archives_write/);
    sendAgain();
    const local = await launchEngine({ ...here, database }, { workflows: [echo] });
    const twice = { ...archive, runs: [...archive.runs, ...archive.runs] };
    expect(await local.runs.import(twice)).toEqual({ imported: ['m'], existing: ['m'] });
    await local.runs.delete('m');
    await echo.with({ engine: local, workflowId: 'm' })('ours');
    expect(await local.runs.import(archive)).toEqual({ imported: [], existing: ['m'] });
    expect(await local.run('m').result()).toBe('ours');
  });

  it('leaves out of an archive what is redacted: all values, members by name, or what a function says', async () => {
    const secret = 'S3CRET';
    class DeclinedError extends Error {
      readonly card = secret;
    }
    const secretive = () => new Error('by another', { cause: new DeclinedError('in turn') });
    let tries = 0;
    const hiding = workflow(
      'hiding',
      async (order: { card: string; sku: string }) => {
        const paid = await step.run(
          'pay',
          () => {
            tries += 1;
            if (tries === 1) throw new DeclinedError('declined');
            if (tries === 2)
              return Promise.any([Promise.reject(new DeclinedError('by one')), Promise.reject(secretive())]);
            return { receipt: 7, Card: order.card, list: [new Map([['card', secret]])] };
          },
          { retries: 2, backoff: { initial: '1ms' } },
        );
        await stream('log').append({ card: secret });
        await receive('news');
        return paid;
      },
      { errors: [DeclinedError] },
    );
    const engine = await launchEngine(await freshDatabase(open), { workflows: [hiding] });
    await hiding
      .with({ engine, workflowId: 'h', attributes: { card: secret, ok: 1 } })
      .start({ card: secret, sku: 'tea' });
    await engine.send('h', 'news', { card: secret, text: 'hello' });
    await engine.run('h').result();
    const text = async (redact?: Parameters<typeof engine.runs.export>[1]) =>
      JSON.stringify(await engine.runs.export('h', redact));
    expect(await text()).toContain(secret);
    for (const redact of ['all', ['card']] as const) expect(await text({ redact })).not.toContain(secret);
    expect(await text({ redact: ['card'] })).toContain('tea');
    expect(await text({ redact: 'all' })).not.toContain('tea');
    const seen: string[] = [];
    const masked = await engine.runs.export('h', {
      redact: (_, { of, name }) => {
        seen.push(`${of} ${name}`.trim());
        return of === 'attributes' ? { ok: 1 } : 'masked';
      },
    });
    expect(JSON.stringify(masked)).not.toContain(secret);
    expect(new Set(seen)).toEqual(
      new Set(['input', 'attributes', 'result', 'error pay', 'step pay', 'message news', 'stream log']),
    );
    const copy = await launchEngine(await freshDatabase(open), { workflows: [hiding] });
    await copy.runs.import(await engine.runs.export('h', { redact: 'all' }));
    expect(await copy.runs.get('h')).toMatchObject({ input: ['[redacted]'], result: '[redacted]', attributes: {} });
  });
});

describe('deleting runs', () => {
  it('is refused to a role that may not delete, which is told what it needs', async () => {
    const owner = new pg.Client({ connectionString: inject('postgresUrl') });
    await owner.connect();
    const role = await createRestrictedRole(owner);
    const schema = `test_${randomUUID().replaceAll('-', '')}`;
    afterThisTest(async () => {
      await owner.query(`drop schema if exists ${schema} cascade`);
      await role.drop();
      await owner.end();
    });
    await prepareSchema(owner, schema, role.user);
    const url = new URL(inject('postgresUrl'));
    [url.username, url.password] = [role.user, role.password];
    const engine = await Perdure.launch({ databaseUrl: url.href, schema, migrate: false, workflows: [echo] });
    afterThisTest(() => engine.shutdown({ drainMs: 0 }));
    for (const workflowId of ['a', 'b']) await echo.with({ engine, workflowId })(1);
    const refused = {
      code: 'PERDURE_DELETION_REFUSED',
      message: expect.stringContaining('permission denied for table'),
    };
    await expect(engine.runs.prune([{ olderThan: 0 }])).rejects.toMatchObject(refused);
    const error = await engine.runs.delete('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refused);
    const { tables } = (error as { readonly data: { readonly tables: readonly string[] } }).data;
    expect(await engine.runs.get('a')).toMatchObject({ status: 'completed' });

    await owner.query(`grant delete on ${tables.join(', ')} to ${role.user}`);
    expect(await engine.runs.delete('a')).toMatchObject({ changed: ['a'] });
    expect(await engine.runs.prune([{ olderThan: 0 }])).toMatchObject({ deleted: 1 });
  });
});
