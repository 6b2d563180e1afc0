import { readFile } from 'node:fs/promises';
import { currentRun, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

const canary = 'canary-5f2b91';

/** An error that tells a secret wherever an error can. */
class LeakyError extends Error {
  override readonly name = `leaky-${canary}`;
  readonly code = canary;
}

/** An error that cannot be looked at. */
class ShyError extends Error {
  get code(): string {
    throw new Error('looked at');
  }
}

describe('what is exported', () => {
  it('holds nothing of inputs, results, errors, messages or tokens', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const work = workflow('work', async (input: string) => {
      await step.run('first', () => input);
      await step
        .run('second', () => {
          throw new LeakyError(`no ${input} at https://host/?key=${canary}`);
        })
        .catch(() => {});
      await sleep(1);
      throw new LeakyError(input);
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await expect(inRequest('POST /orders', () => work.with({ engine: perdure })(canary))).rejects.toThrow();
    await expect.poll(() => sdk.open.size).toBe(0);
    const spans = await sdk.spans();
    expect(spans.filter(({ status }) => status === 'error').map(({ attributes }) => attributes['error.type'])).toEqual([
      '_OTHER',
      '_OTHER',
    ]);
    expect(sdk.receiver.bodies.join('')).not.toContain(canary);
  });

  it('names errors of the database and of the system by their codes', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', async () => {
      await step.transaction('unknown table', (tx) => tx.query('select 1 from nowhere')).catch(() => {});
      await step.run('unknown file', () => readFile('/nowhere')).catch(() => {});
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await work.with({ engine: perdure })();
    await expect.poll(() => sdk.open.size).toBe(0);
    const failed = (await sdk.spans()).filter(({ status }) => status === 'error');
    expect(failed.map(({ attributes }) => attributes['error.type'])).toEqual(['42P01', 'ENOENT']);
  });

  it('changes nothing about a step whose error cannot be looked at', async () => {
    const sdk = await RegisteredSdk.create();
    let tries = 0;
    const work = workflow('work', () =>
      step.run(
        'charge',
        () => {
          tries += 1;
          throw new ShyError('real');
        },
        { retries: 2, backoff: { initial: 1 } },
      ),
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await expect(work.with({ engine: perdure })()).rejects.toThrow('real');
    expect(tries).toBe(3);
    await expect.poll(() => sdk.open.size).toBe(0);
  });

  it.each(['fails', 'is silent', 'is not there'] as const)(
    'changes nothing about runs where the collector %s',
    async (manner) => {
      const sdk = await RegisteredSdk.create({ level: 'otel' });
      if (manner === 'is not there') sdk.receiver.close();
      else sdk.receiver.manner = manner;
      const work = workflow('work', async () => await step.run('first', () => currentRun()?.step?.attempt));
      const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
      const results = await Promise.all(Array.from({ length: 50 }, () => work.with({ engine: perdure })()));
      expect(new Set(results)).toEqual(new Set([1]));
      await perdure.shutdown();
      const since = performance.now();
      await sdk.provider.shutdown();
      expect(performance.now() - since).toBeLessThan(4_000);
      expect(sdk.open.size).toBe(0);
    },
  );

  it('is nothing, and nothing is stored of it, where no SDK is registered', async () => {
    const work = workflow('work', () => step.run('first', () => 1));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work] });
    await work.with({ engine: perdure, workflowId: 'w' })();
    const [row] = await test.database.query<{ trace: string | null }>({
      name: 'exporting_test_trace',
      text: `select trace from ${test.schema}.runs where workflow_id = 'w'`,
      values: [],
    });
    expect(row).toEqual({ trace: null });
  });

  it('has given ids for no span but those of runs, however many there are at a time', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const work = workflow('work', () => step.run('first', () => inRequest('inner', async () => 1)));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await Promise.all(
      Array.from({ length: 200 }, async (_, no) => {
        await inRequest(`outer ${no}`, () => work.with({ engine: perdure })());
      }),
    );
    await perdure.shutdown();
    const view = await sdk.view();
    expect(view).toMatchObject({ traces: 200, orphans: [], duplicates: [], incomplete: [], skewed: [] });
    expect((await sdk.spans()).length).toBe(200 * 6);
  });
});
