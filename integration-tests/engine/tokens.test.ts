import { completeToken, createToken, currentRun, step, type Token, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { upperCase } from '../support/schemas.js';

describe.each(databases)('a token on $name', ({ open }) => {
  /** A workflow that passes its token on in a step, and what the step was given, in each try. */
  const define = (receive = (token: Token<unknown>) => token.receive()) => {
    const given: string[] = [];
    const approve = workflow('approve', async () => {
      const token = await createToken('approval');
      await step.run('ask', () => void given.push(token.token));
      return await receive(token);
    });
    return { approve, given };
  };

  it('ends a wait from outside, once: the first value counts', async () => {
    const { approve, given } = define();
    const engine = await launchEngine(await freshDatabase(open), { workflows: [approve] });
    const run = await approve.with({ engine }).start();
    await expect.poll(() => given.length).toBe(1);
    await completeToken(given[0]!, { by: 'Ada' }, { engine });
    await completeToken(given[0]!, { by: 'Bob' }, { engine });
    expect(await run.result()).toEqual({ by: 'Ada' });
    await completeToken(given[0]!, { by: 'Eve' }, { engine });
  });

  it('is the same after a crash, and is completed in between or by another process', async () => {
    const { approve, given } = define();
    const engine = await testEngine(await freshDatabase(open), { workflows: [approve] });
    for (let checkpoints = 1; checkpoints <= 2; checkpoints += 1) {
      given.length = 0;
      const workflowId = `a${checkpoints}`;
      const crashed = engine.crashAfter(checkpoints);
      await approve.with({ workflowId, engine: engine.perdure }).start();
      await crashed;
      await engine.restart();
      await expect.poll(() => given.length).toBeGreaterThanOrEqual(1);
      await completeToken(given[0]!, checkpoints, { engine: engine.perdure });
      expect(await engine.perdure.run(workflowId).result()).toBe(checkpoints);
      expect(new Set(given).size).toBe(1);
    }
  });

  it('is different for each, cannot be told from the id, and is not in the history', async () => {
    const two = workflow('two', async () => {
      const [first, second] = await Promise.all([createToken('a'), createToken('a')]);
      await completeToken(second.token, 2);
      return [first.token, second.token, await second.receive()];
    });
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [two] });
    const runs = [await two.with({ engine }).start(), await two.with({ engine }).start()];
    const results = (await Promise.all(runs.map((run) => run.result()))) as [string, string, number][];
    const tokens = results.flatMap(([first, second]) => [first, second]);
    expect(new Set(tokens).size).toBe(4);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const stored = await test.database.query<{ payload: string | null }>({
      name: `test_tokens_${test.schema}`,
      text: `select payload from "${test.schema}".checkpoints union all select topic || idempotency_key from "${test.schema}".messages`,
      values: [],
    });
    for (const { payload } of stored) for (const token of tokens) expect(payload ?? '').not.toContain(token);
    expect(results.map(([, , value]) => value)).toEqual([2, 2]);
  });

  it('that is not completed in time is an error, and the workflow goes on', async () => {
    const { approve } = define((token) =>
      token.receive({ timeout: '3d' }).catch((error: { code: string }) => error.code),
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [approve] });
    expect(await approve.with({ engine: engine.perdure })()).toBe('PERDURE_RECEIVE_TIMEOUT');
  });

  it('is completed with a transaction, if and only if that commits', async () => {
    const { approve, given } = define();
    const engine = await launchEngine(await freshDatabase(open), { workflows: [approve] });
    const run = await approve.with({ engine }).start();
    await expect.poll(() => given.length).toBe(1);
    const tell = async (value: string, fails: boolean) =>
      await engine.within(() =>
        step.transaction('tell', async (transaction) => {
          await completeToken(given[0]!, value, { transaction });
          if (fails) throw new Error('no');
        }),
      );
    await expect(tell('lost', true)).rejects.toThrow('no');
    await tell('kept', false);
    expect(await run.result()).toBe('kept');
  });

  it('is given again by a workflow that is retried as a whole, and so is its value', async () => {
    const seen: string[] = [];
    const careless = workflow(
      'careless',
      async () => {
        const token = await createToken<string>('a');
        await step.run('ask', () => void seen.push(token.token));
        const value = await token.receive();
        if (seen.length === 1) throw new Error('once');
        return [value, currentRun()?.workflowId];
      },
      { retries: 1 },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [careless] });
    const run = await careless.with({ engine: engine.perdure }).start();
    await expect.poll(() => seen.length).toBe(1);
    await completeToken(seen[0]!, 'kept', { engine: engine.perdure });
    expect(await run.result()).toEqual(['kept', run.workflowId]);
    expect(seen).toEqual([seen[0], seen[0]]);
  });

  it('is checked by a schema when its value is received', async () => {
    const { approve, given } = define((token) =>
      token.receive({ schema: upperCase }).catch((error: Error) => error.message),
    );
    const engine = await launchEngine(await freshDatabase(open), { workflows: [approve] });
    const results: unknown[] = [];
    for (const value of ['yes', 5]) {
      const run = await approve.with({ engine }).start();
      await expect.poll(() => given.length).toBe(results.length + 1);
      await completeToken(given.at(-1)!, value, { engine });
      results.push(await run.result());
    }
    expect(results).toEqual(['YES', 'A message of token "approval" is not valid: no text.']);
  });

  it('that nobody made, or whose run has ended without it, is refused, and so is making one outside', async () => {
    const { approve, given } = define(async () => 'done');
    const engine = await launchEngine(await freshDatabase(open), { workflows: [approve] });
    await expect(completeToken('x'.repeat(43), 1, { engine })).rejects.toMatchObject({
      code: 'PERDURE_TOKEN_NOT_FOUND',
    });
    const run = await approve.with({ engine }).start();
    await run.result();
    await expect(completeToken(given[0]!, 1, { engine })).rejects.toMatchObject({ code: 'PERDURE_RUN_FINISHED' });
    const invalid = { code: 'PERDURE_INVALID_ARGUMENT' };
    await expect(createToken('a')).rejects.toMatchObject(invalid);
    expect(() => completeToken('', 1, { engine })).toThrow(expect.objectContaining(invalid));
  });
});
