import { getEvent, type Perdure, queue, receive, setEvent, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { gate } from '../support/gate.js';
import { holdRow } from '../support/hold-row.js';
import { holdingAnAnswer, holdingAStatement } from '../support/holding-a-statement.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';

const parkAfter = '100ms';

/** Waits until an engine has no run in memory. */
async function untilParked(perdure: Perdure): Promise<void> {
  await expect.poll(() => perdure.health().runs).toBe(0);
}

describe.each(databases)('a run that waits for long on $name', ({ open, name }) => {
  it('leaves memory, wakes in time, and repeats nothing', async () => {
    let steps = 0;
    const remind = workflow('remind', async () => {
      await step.run('before', () => (steps += 1));
      await sleep('1500ms');
      return await step.run('after', () => (steps += 10));
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [remind], parkAfter, poll: '1h' });
    const run = await remind.with({ engine: perdure }).start();
    await untilParked(perdure);
    expect(await run.status()).toMatchObject({ status: 'running', executorId: null, attempt: 1, crashes: [] });
    expect(await run.result()).toBe(11);
    expect(await run.status()).toMatchObject({ status: 'completed', attempt: 1 });
  });

  it('is woken by the message that it waits for, and not by another', async () => {
    const approve = workflow('approve', async () => await receive<string>('approval'));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [approve], parkAfter, poll });
    const run = await approve.with({ engine: perdure }).start();
    await untilParked(perdure);
    await perdure.send(run, 'remark', 'hm');
    expect(await run.status()).toMatchObject({ status: 'running', executorId: null });
    const elsewhere = await launchEngine(test, { workflows: [], database: await test.reopen() });
    await elsewhere.send(run, 'approval', 'yes');
    expect(await run.result()).toBe('yes');
  });

  it('is woken when the time for a message is over', async () => {
    const approve = workflow('approve', async () => await receive('approval', { timeout: '700ms' }));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [approve], parkAfter, poll: '1h' });
    const run = await approve.with({ engine: perdure }).start();
    await untilParked(perdure);
    await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_RECEIVE_TIMEOUT' });
  });

  it('is woken by its child, however that ends', async () => {
    const child = workflow('child', async (ending: string) => {
      await receive('go');
      if (ending === 'fail') throw new Error('failed');
      return ending;
    });
    const parent = workflow('parent', async (id: string, ending: string) => {
      return await child
        .with({ workflowId: id })(ending)
        .catch((error: Error) => error.message);
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [parent, child], parkAfter, poll });
    const endings = ['return', 'fail', 'cancel'];
    const runs = await Promise.all(
      endings.map((ending) => parent.with({ engine: perdure }).start(`child-${ending}`, ending)),
    );
    await untilParked(perdure);
    await perdure.send('child-return', 'go', null);
    await perdure.send('child-fail', 'go', null);
    await perdure.run('child-cancel').cancel();
    const results = await Promise.all(runs.map((run) => run.result()));
    expect(results).toEqual(['return', 'failed', expect.stringContaining('cancelled')]);
  });

  it('is woken by a child that waited too long in its queue', async () => {
    const hold = workflow('hold', async () => await receive('go'));
    const parent = workflow('parent', async () => {
      return await hold
        .with({ queue: 'narrow' })()
        .catch((error: { code: string }) => error.code);
    });
    queue('narrow', { concurrency: 1, maxWait: '1s' });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [parent, hold], parkAfter, poll });
    const holder = await hold.with({ engine: perdure, queue: 'narrow' }).start();
    await expect.poll(async () => (await holder.status()).status).toBe('running');
    const run = await parent.with({ engine: perdure }).start();
    await expect.poll(async () => (await run.status()).executorId).toBe(null);
    expect(await run.result()).toBe('PERDURE_QUEUE_TIMEOUT');
    expect(await holder.status()).toMatchObject({ status: 'running', executorId: perdure.executorId });
  });

  it('is woken by the event of another run that it waits for, wherever that executes, or by its end', async () => {
    const publish = workflow('publish', async () => {
      for (let key = await receive<string>('set'); key !== 'end'; key = await receive<string>('set')) {
        await setEvent(key, `${key} is set`);
      }
    });
    const follow = workflow('follow', async (publisher: string, key: string) => {
      return await getEvent<string>(publisher, key).catch((error: { code: string }) => error.code);
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [follow, publish], parkAfter, poll });
    const database = await test.reopen();
    const elsewhere = await launchEngine(test, { workflows: [publish], parkAfter: '1h', database, poll });
    for (const publisher of [perdure, elsewhere]) {
      const published = await publish.with({ engine: publisher }).start();
      const id = published.workflowId;
      await expect.poll(async () => (await published.status()).status).toBe('running');
      const runs = await Promise.all(['a', 'b', 'c'].map((key) => follow.with({ engine: perdure }).start(id, key)));
      await untilParked(perdure);
      await publisher.send(id, 'set', 'b');
      expect(await runs[1]!.result()).toBe('b is set');
      for (const run of [runs[0]!, runs[2]!]) {
        expect(await run.status()).toMatchObject({ status: 'running', executorId: null });
      }
      await publisher.send(id, 'set', 'a');
      expect(await runs[0]!.result()).toBe('a is set');
      await publisher.send(id, 'set', 'end');
      expect(await runs[2]!.result()).toBe('PERDURE_EVENT_NOT_SET');
    }
  });

  it('is woken by the result of a run that it awaits by its handle', async () => {
    const child = workflow('child', async () => await receive<string>('go'));
    const parent = workflow('parent', async (id: string) => {
      const run = await child.with({ workflowId: id }).start();
      return `it says ${await run.result()}`;
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [parent, child], parkAfter, poll });
    const run = await parent.with({ engine: perdure }).start('awaited');
    await untilParked(perdure);
    await perdure.send('awaited', 'go', 'yes');
    expect(await run.result()).toBe('it says yes');
  });

  it('is woken by an event although the process that parked it is gone', async () => {
    const publish = workflow('publish', async () => {
      await receive('go');
      await setEvent('ready', true);
      await receive('end');
    });
    const follow = workflow('follow', async (publisher: string) => await getEvent<boolean>(publisher, 'ready'));
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [publish, follow], parkAfter });
    const published = await publish.with({ engine: first }).start();
    const run = await follow.with({ engine: first }).start(published.workflowId);
    await untilParked(first);
    await first.shutdown();
    const workflows = [publish, follow];
    const second = await launchEngine(test, { workflows, parkAfter: '1h', database: await test.reopen(), poll });
    await second.send(published.workflowId, 'go', null);
    expect(await second.run(run.workflowId).result()).toBe(true);
  });

  it('compensates when it is cancelled, and ends at its deadline', async () => {
    const undone: string[] = [];
    const book = workflow(
      'book',
      async (name: string) => {
        try {
          await sleep('1h');
        } finally {
          await step.run('undo', () => undone.push(name));
        }
      },
      { onCancel: 'throw' },
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [book], parkAfter, poll });
    const bound = book.with({ engine: perdure });
    const [cancelled, late] = [await bound.start('a'), await bound.with({ timeout: '1s' }).start('b')];
    await untilParked(perdure);
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await expect(late.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect(undone.toSorted()).toEqual(['a', 'b']);
  });

  it('goes on in whichever process is there then', async () => {
    const approve = workflow('approve', async () => [await step.run('ask', () => 'asked'), await receive('approval')]);
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [approve], parkAfter });
    const run = await approve.with({ engine: first }).start();
    await untilParked(first);
    await first.shutdown();
    const second = await launchEngine(test, { workflows: [approve], database: await test.reopen(), poll });
    expect(second.health().runs).toBe(0);
    await second.send(run.workflowId, 'approval', 'yes');
    expect(await second.run(run.workflowId).result()).toEqual(['asked', 'yes']);
  });

  it('is left alone when something has happened in it while others were being parked', async () => {
    const body = gate();
    let bodies = 0;
    const approve = workflow('approve', async () => {
      await receive('approval');
      await step.run('book', async () => {
        bodies += 1;
        await body.opened;
      });
    });
    const test = await freshDatabase(open);
    const { database, close, held, open: park } = holdingAStatement(test.database, /parking_park/);
    close();
    const perdure = await launchEngine(test, { workflows: [approve], parkAfter: '1s', poll, database });
    // More than are parked at once.
    const runs = await Promise.all(Array.from({ length: 501 }, () => approve.with({ engine: perdure }).start()));
    await held;
    const last = runs[500]!;
    await perdure.send(last, 'approval', 'yes');
    await expect.poll(() => bodies).toBe(1);
    park();
    await expect.poll(() => perdure.health().runs).toBe(1);
    body.open();
    await last.result();
    expect(bodies).toBe(1);
    expect(await last.status()).toMatchObject({ status: 'completed' });
  });

  it('is woken by a child that its own process claims and ends while it is being parked', async () => {
    const child = workflow('child', async () => 'done');
    const parent = workflow('parent', async () => await child.with({ workflowId: 'child', queue: 'later' })());
    queue('later');
    const test = await freshDatabase(open);
    const { database, close, held, open: answer } = holdingAnAnswer(test.database, /parking_park/);
    close();
    const perdure = await launchEngine(test, { workflows: [parent, child], parkAfter, poll, database });
    await perdure.queues.pause('later');
    const run = await parent.with({ engine: perdure }).start();
    await held;
    await perdure.queues.resume('later');
    expect(await perdure.run('child').result()).toBe('done');
    answer();
    expect(await run.result()).toBe('done');
  });

  it('is kept by its process that has claimed it again before it heard that the run was parked', async () => {
    const body = gate();
    let bodies = 0;
    const approve = workflow('approve', async () => {
      await receive('approval');
      await step.run('book', async () => {
        bodies += 1;
        await body.opened;
      });
    });
    const test = await freshDatabase(open);
    const { database, close, held, open: answer } = holdingAnAnswer(test.database, /parking_park/);
    close();
    const perdure = await launchEngine(test, { workflows: [approve], parkAfter, poll, database });
    const run = await approve.with({ engine: perdure }).start();
    await held;
    await perdure.send(run, 'approval', 'yes');
    await expect.poll(() => bodies).toBe(1);
    answer();
    const other = await approve.with({ engine: perdure }).start();
    await expect.poll(async () => (await other.status()).executorId).toBe(null);
    expect(perdure.health().runs).toBe(1);
    body.open();
    await run.result();
  });

  it('stays when its child was claimed, and has nearly ended, while others were being parked', async () => {
    const child = workflow('child', async () => 'done');
    const parent = workflow('parent', async () => await child.with({ workflowId: 'child', queue: 'later' })());
    const approve = workflow('approve', async () => await receive('approval'));
    queue('later');
    const test = await freshDatabase(open);
    const parking = holdingAStatement(test.database, /parking_park/);
    const ending = holdingAStatement(parking.database, /dequeued/);
    parking.close();
    ending.close();
    const { database } = ending;
    const workflows = [parent, child, approve];
    const perdure = await launchEngine(test, { workflows, parkAfter: '1s', poll, database });
    await perdure.queues.pause('later');
    // As many as are parked at once, and the parent after them.
    await Promise.all(Array.from({ length: 500 }, () => approve.with({ engine: perdure }).start()));
    const run = await parent.with({ engine: perdure }).start();
    await parking.held;
    await perdure.queues.resume('later');
    await ending.held;
    parking.open();
    await expect.poll(() => perdure.health().runs).toBe(2);
    ending.open();
    expect(await run.result()).toBe('done');
  });

  it('leaves sooner where as many are in memory as may, so that others get their turn', async () => {
    const approve = workflow('approve', async () => await receive<number>('approval'));
    const test = await freshDatabase(open);
    await launchEngine(test, { workflows: [] });
    const client = await connectClient(test);
    const runs = await Promise.all(Array.from({ length: 4 }, () => client.workflow('approve').start()));
    const database = await test.reopen();
    const perdure = await launchEngine(test, { workflows: [approve], parkAfter: '1h', poll, maxRuns: 2, database });
    const parked = async (): Promise<number> => {
      const infos = await Promise.all(runs.map((run) => run.status()));
      return infos.filter(({ status, executorId }) => status === 'running' && executorId === null).length;
    };
    await expect.poll(parked).toBeGreaterThan(2);
    for (const [no, run] of runs.entries()) await perdure.send(run, 'approval', no);
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(runs.map((_, no) => no));
  });

  it('comes back as soon as there is room for it', async () => {
    const body = gate();
    const approve = workflow('approve', async () => {
      await receive('approval');
      await step.run('wait', () => body.opened);
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [approve], parkAfter, poll: '1h', maxRuns: 1 });
    const runs = await Promise.all([1, 2, 3].map(() => approve.with({ engine: perdure }).start()));
    await untilParked(perdure);
    for (const run of runs) await perdure.send(run, 'approval', 'yes');
    await expect.poll(() => perdure.health().reasons).toMatchObject([{ code: 'runs-full' }]);
    body.open();
    await Promise.all(runs.map((run) => run.result()));
  });

  it('is never left asleep, whatever comes at the moment of parking', async () => {
    const waitFor = workflow('wait for', async () => await receive<number>('go'));
    const sum = workflow('sum', async (ids: string[]) => {
      const parts = await Promise.all(ids.map((id) => waitFor.with({ workflowId: id })()));
      return parts.reduce((a, b) => a + b, 0);
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [waitFor, sum], parkAfter, poll: '1h' });
    const ids = Array.from({ length: 20 }, (_, run) => Array.from({ length: 4 }, (_, no) => `${run}.${no}`));
    const runs = await Promise.all(ids.map((children) => sum.with({ engine: perdure }).start(children)));
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await Promise.all(
      ids.flat().map(async (id, index) => {
        await expect
          .poll(() =>
            perdure
              .run(id)
              .status()
              .then(
                () => true,
                () => false,
              ),
          )
          .toBe(true);
        await pause((index % 16) * 20);
        await perdure.send(id, 'go', 1);
      }),
    );
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(ids.map(() => 4));
  });

  // PGlite does one thing after the other.
  it.runIf(name === 'postgres')('is woken by an event although somebody else looks at its row just then', async () => {
    const publish = workflow('publish', async () => {
      await receive('go');
      await setEvent('ready', 1);
    });
    const follow = workflow('follow', async (publisher: string) => await getEvent<number>(publisher, 'ready'));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [publish, follow], parkAfter, poll });
    const published = await publish.with({ engine: perdure }).start();
    const run = await follow.with({ engine: perdure }).start(published.workflowId);
    await untilParked(perdure);
    const letGo = await holdRow(test, run.workflowId);
    await perdure.send(published, 'go', null);
    const text = `select state from "${test.schema}".runs where workflow_id = $1::text`;
    const state = { name: `state_${test.schema}`, text, values: [run.workflowId] };
    await expect.poll(() => test.database.query(state)).toMatchObject([{ state: 'available' }]);
    await letGo();
    expect(await run.result()).toBe(1);
  });

  it.runIf(name === 'postgres')('is woken by an event that is set while it is being parked', async () => {
    const publish = workflow('publish', async () => {
      await receive('go');
      await setEvent('ready', 1);
      await receive('end');
    });
    const follow = workflow('follow', async (publisher: string) => await getEvent<number>(publisher, 'ready'));
    const test = await freshDatabase(open);
    const elsewhere = await launchEngine(test, { workflows: [publish], parkAfter: '1h', poll });
    const published = await publish.with({ engine: elsewhere }).start();
    await expect.poll(async () => (await published.status()).status).toBe('running');
    // Once the run's row is changed to be parked, it was already asked whether the event is set.
    await test.administer(`
      create table "${test.schema}".gate (is_closed boolean);
      grant select on "${test.schema}".gate to public;
      create sequence "${test.schema}".arrivals;
      grant usage, select on sequence "${test.schema}".arrivals to public;
      insert into "${test.schema}".gate values (true);
      create function "${test.schema}".wait_at_gate() returns trigger language plpgsql as $$
      begin
        perform nextval('"${test.schema}".arrivals');
        while exists (select 1 from "${test.schema}".gate) loop perform pg_sleep(0.01); end loop;
        return new;
      end $$;
      create trigger wait_at_gate before update on "${test.schema}".runs
        for each row when (new.state = 'parked') execute function "${test.schema}".wait_at_gate()`);
    const perdure = await launchEngine(test, { workflows: [follow], parkAfter, database: await test.reopen(), poll });
    const run = await follow.with({ engine: perdure }).start(published.workflowId);
    const hasArrived = async (): Promise<boolean | undefined> => {
      const text = `select is_called from "${test.schema}".arrivals`;
      const name = `arrivals_${test.schema}`;
      return (await test.database.query<{ is_called: boolean }>({ name, text, values: [] }))[0]?.is_called;
    };
    await expect.poll(hasArrived).toBe(true);
    await elsewhere.send(published, 'go', null);
    expect(await elsewhere.getEvent(published, 'ready')).toBe(1);
    await test.administer(`delete from "${test.schema}".gate`);
    expect(await run.result()).toBe(1);
  });

  it('is not parked for less than a replay costs', async () => {
    const test = await freshDatabase(open);
    await expect(launchEngine(test, { workflows: [], parkAfter: '1ms' })).rejects.toMatchObject({
      code: 'PERDURE_INVALID_ARGUMENT',
    });
  });
});
