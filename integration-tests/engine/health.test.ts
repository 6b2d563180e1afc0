import { type HealthProblem, type LaunchOptions, type Perdure, step, workflow } from '@perdure/core';
import { createStore, type Database } from '@perdure/core/internal';
import { beforeEach, describe, expect, it } from 'vitest';
import { deferred } from '../../packages/core/src/util/deferred.js';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';

const [{ open }] = databases as readonly [(typeof databases)[number]];
const lost = (): Error => Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });

describe('health', () => {
  let test: TestDatabase;
  let failing: (name: string) => boolean;
  let faulty: Database;

  beforeEach(async () => {
    test = await freshDatabase(open);
    failing = () => false;
    faulty = {
      ...passOn(test.database),
      async query(statement) {
        if (failing(statement.name)) throw lost();
        return await test.database.query(statement);
      },
    };
  });

  const launch = (options: LaunchOptions = {}): Promise<Perdure> =>
    launchEngine(test, { database: faulty, workflows: [], poll: '20ms', lease: '600ms', ...options });
  const codes = (perdure: Perdure): HealthProblem[] => perdure.health().reasons.map(({ code }) => code);

  it('is good when nothing is wrong, and counts what runs', async () => {
    const gate = deferred<void>();
    const waits = workflow('health: waits', () => step.run('wait', () => gate.promise));
    const perdure = await launch({ workflows: [waits], lease: '15s' });
    expect(perdure.health()).toEqual({
      status: 'healthy',
      reasons: [],
      executorId: perdure.executorId,
      runs: 0,
      backlogBytes: 0,
    });
    const run = await waits.with({ engine: perdure }).start();
    expect(perdure.health().runs).toBe(1);
    gate.resolve();
    await run.result();
    expect(perdure.health()).toMatchObject({ status: 'healthy', runs: 0 });
  });

  it('says what fails while the database is away, since when, and that it is over', async () => {
    const greet = workflow('health: greet', async () => 'hello');
    const perdure = await launch({ workflows: [greet] });
    failing = () => true;
    const greeting = greet.with({ engine: perdure })();
    await expect
      .poll(() => codes(perdure).toSorted())
      .toEqual(['claims-failing', 'lease-uncertain', 'recovery-failing', 'writes-failing']);
    const { status, reasons, backlogBytes } = perdure.health();
    expect(status).toBe('unhealthy');
    expect(reasons.every(({ since, message }) => since !== null && message.length > 20)).toBe(true);
    expect(backlogBytes).toBeGreaterThan(0);
    failing = () => false;
    expect(await greeting).toBe('hello');
    await expect.poll(() => perdure.health()).toMatchObject({ status: 'healthy', backlogBytes: 0 });
  });

  it('is only worse, not bad, when no runs can be taken from others', async () => {
    const perdure = await launch({ workflows: [workflow('health: any', async () => {})], lease: '15s' });
    failing = (name) => name.includes('claim');
    await expect
      .poll(() => perdure.health())
      .toMatchObject({
        status: 'degraded',
        reasons: [{ code: 'claims-failing' }],
      });
  });

  it('is bad while there is no lease', async () => {
    const perdure = await launch();
    const store = createStore(test.database, test.schema);
    const { executorId } = perdure;
    failing = (name) => name.includes('register');
    await store.executors.revoke({ executorId: executorId ?? '', now: null });
    await expect.poll(() => codes(perdure)).toEqual(['no-executor']);
    failing = () => false;
    await expect.poll(() => perdure.health().status).toBe('healthy');
    expect(perdure.executorId).not.toBe(executorId);
  });

  it('mentions notifications that do not arrive, unless they are switched off', async () => {
    const deaf: Database = {
      ...passOn(test.database),
      async listen(channel, onNotification, onGap) {
        const subscription = await test.database.listen(channel, onNotification, onGap);
        return { isDeaf: true, unsubscribe: () => subscription.unsubscribe() };
      },
    };
    const perdure = await launch({ database: deaf, notifications: true });
    expect(perdure.health()).toMatchObject({ status: 'degraded', reasons: [{ code: 'notifications-missing' }] });
    const without = await launch({ database: deaf, notifications: false });
    expect(without.health().status).toBe('healthy');
  });

  it('tells when as many runs execute as may', async () => {
    const gate = deferred<void>();
    const waits = workflow('health: full', () => step.run('wait', () => gate.promise));
    const perdure = await launch({ workflows: [waits], maxRuns: 1, lease: '15s' });
    const run = await waits.with({ engine: perdure }).start();
    expect(codes(perdure)).toEqual(['runs-full']);
    gate.resolve();
    await run.result();
    expect(codes(perdure)).toEqual([]);
  });

  it('is bad during a shutdown and after it', async () => {
    const [gate, begun] = [deferred<void>(), deferred<void>()];
    const waits = workflow('health: drain', () =>
      step.run('wait', async () => {
        begun.resolve();
        await gate.promise;
      }),
    );
    const perdure = await launch({ workflows: [waits], lease: '15s' });
    await waits.with({ engine: perdure }).start();
    await begun.promise;
    const shutdown = perdure.shutdown();
    await expect.poll(() => codes(perdure)).toEqual(['draining']);
    gate.resolve();
    await shutdown;
    expect(perdure.health()).toMatchObject({ status: 'unhealthy', reasons: [{ code: 'stopped' }], executorId: null });
  });

  it('refuses starts when more waits for the database than may, and loses none of those that wait', async () => {
    const echo = workflow('health: echo', async (text: string) => text.length);
    const perdure = await launch({ workflows: [echo], maxBacklogBytes: 5_000, lease: '15s' });
    const start = () => echo.with({ engine: perdure })('x'.repeat(1_000));
    failing = (name) => name.includes('flush');
    const accepted = Array.from({ length: 5 }, () => start());
    await expect.poll(() => codes(perdure)).toContain('backlog-full');
    await expect(start()).rejects.toMatchObject({
      code: 'PERDURE_OVERLOADED',
      data: { backlogBytes: perdure.health().backlogBytes },
    });
    failing = () => false;
    expect(await Promise.all(accepted)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(await start()).toBe(1_000);
  });

  it('never refuses a child: it waits with its parent', async () => {
    const child = workflow('health: child', async (text: string) => text.length);
    const parent = workflow('health: parent', async () => {
      const children = Array.from({ length: 10 }, () => child('x'.repeat(1_000)));
      return (await Promise.all(children)).length;
    });
    const perdure = await launch({ workflows: [child, parent], maxBacklogBytes: 2_000, lease: '15s' });
    expect(await parent.with({ engine: perdure })()).toBe(10);
  });
});
