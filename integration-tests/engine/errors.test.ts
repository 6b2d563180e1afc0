import { getEventListeners } from 'node:events';
import { currentRun, NonRetryableError, PerdureError, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

class CardDeclined extends Error {
  override readonly name = 'CardDeclined';

  constructor(
    message: string,
    readonly reason: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

class Unregistered extends Error {
  override readonly name = 'Unregistered';
}

describe.each(databases)('errors on $name', ({ open }) => {
  it('come back as what they were: class, fields and causes, live and after a crash', async () => {
    const seen: unknown[] = [];
    const fails = workflow(
      'fails',
      async () => {
        for (const make of [
          () => new CardDeclined('declined', 'limit', new TypeError('inner', { cause: 'root' })),
          () => new RangeError('range'),
          () => new Unregistered('unknown'),
          () => 'a text',
          () => null,
        ]) {
          await step.run('throws', () => Promise.reject(make() as Error)).catch((error: unknown) => seen.push(error));
        }
        await step.run('last', () => 1);
      },
      { errors: [CardDeclined] },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [fails] });
    const crashed = engine.crashAfter(6);
    await fails.with({ workflowId: 'f', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    await engine.perdure.run('f').result();
    expect(seen).toHaveLength(10);
    for (const [declined, range, unknown, text, nothing] of [seen.slice(0, 5), seen.slice(5)]) {
      expect(declined).toBeInstanceOf(CardDeclined);
      expect(declined).toMatchObject({ message: 'declined', reason: 'limit', name: 'CardDeclined' });
      const { cause } = declined as CardDeclined;
      expect(cause).toBeInstanceOf(TypeError);
      expect(cause).toMatchObject({ message: 'inner', cause: 'root' });
      expect(range).toBeInstanceOf(RangeError);
      expect(unknown).toBeInstanceOf(Error);
      expect(unknown).not.toBeInstanceOf(Unregistered);
      expect(unknown).toMatchObject({ name: 'Unregistered', message: 'unknown' });
      expect(text).toBe('a text');
      expect(nothing).toBeNull();
    }
  });

  it('of a workflow reach whoever awaits it, in any engine', async () => {
    const test = await freshDatabase(open);
    const fails = workflow('fails', async () => {
      throw new CardDeclined('declined', 'limit');
    });
    const first = await launchEngine(test, { workflows: [fails], errors: [CardDeclined] });
    const second = await launchEngine(test, { workflows: [], errors: [CardDeclined], database: await test.reopen() });
    await expect(fails.with({ engine: first, workflowId: 'f' })()).rejects.toBeInstanceOf(CardDeclined);
    await expect(second.run('f').result()).rejects.toMatchObject({ reason: 'limit' });
    expect((await second.run('f').status()).status).toBe('failed');
  });

  it('are retried as the policy says, and the attempts are counted across a crash', async () => {
    const attempts: (number | undefined)[] = [];
    const flaky = workflow('flaky', async () =>
      step.run(
        'flaky',
        () => {
          attempts.push(currentRun()?.step?.attempt);
          throw new RangeError(`attempt ${attempts.length}`);
        },
        { retries: 4, backoff: { initial: '1m', factor: 3, max: '1h', jitter: 0 } },
      ),
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [flaky] });
    const crashed = engine.crashAfter(2);
    const before = engine.clock.now();
    await flaky.with({ workflowId: 'f', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    await expect(engine.perdure.run('f').result()).rejects.toMatchObject({ name: 'RangeError', message: 'attempt 5' });
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    // 1 + 3 + 9 + 27 minutes of pauses.
    expect(Math.round((engine.clock.now() - before) / 60_000)).toBe(40);
  });

  it('leave nothing behind at the signal of a step that is retried', async () => {
    const listeners: number[] = [];
    const flaky = workflow('flaky', async () =>
      step.run(
        'flaky',
        () => {
          listeners.push(getEventListeners(currentRun()!.signal, 'abort').length);
          if (listeners.length < 4) throw new Error('once more');
        },
        { retries: 3, backoff: { initial: '1m' } },
      ),
    );
    const { perdure } = await testEngine(await freshDatabase(open), { workflows: [flaky] });
    await flaky.with({ engine: perdure })();
    expect(listeners).toEqual([0, 0, 0, 0]);
  });

  it('are not retried when they are marked so, or retryIf says so', async () => {
    let bodies = 0;
    const thrown: Record<string, () => Error> = {
      marked: () => new NonRetryableError('no', { cause: 'reason' }),
      wrapped: () => new Error('outer', { cause: new NonRetryableError('no') }),
      refused: () => new TypeError('no'),
      broken: () => new Error('no'),
    };
    const once = step('once', async (kind: string) => {
      bodies += 1;
      throw thrown[kind]?.();
    });
    const picky = workflow('picky', async (kind: 'marked' | 'wrapped' | 'refused' | 'broken') => {
      const options = { retries: 5, backoff: { initial: 1 } };
      if (kind === 'refused') await once.with({ ...options, retryIf: (error) => !(error instanceof TypeError) })(kind);
      else if (kind === 'broken') await once.with({ ...options, retryIf: () => JSON.parse('{') as boolean })(kind);
      else await once.with(options)(kind);
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [picky] });
    for (const kind of ['marked', 'wrapped', 'refused', 'broken'] as const) {
      bodies = 0;
      await expect(picky.with({ engine: perdure })(kind)).rejects.toThrow();
      expect(bodies, kind).toBe(1);
    }
  });

  it('are retried however large they are, as long as they may be stored', async () => {
    const thrown = () => Object.assign(new RangeError('large'), { body: '"'.repeat(800_000) });
    const tries = { step: 0, workflow: 0 };
    const large = workflow('large', async () =>
      step.run(
        'large',
        () => {
          tries.step += 1;
          throw thrown();
        },
        { retries: 2, backoff: { initial: 1 } },
      ),
    );
    const whole = workflow(
      'whole',
      async () => {
        tries.workflow += 1;
        throw thrown();
      },
      { retries: 2, backoff: { initial: 1 } },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [large, whole] });
    for (const workflow of [large, whole]) {
      const error = await workflow
        .with({ engine: engine.perdure })()
        .catch((error: unknown) => error);
      expect((error as Error).name).toBe('RangeError');
      expect((error as { body: string }).body.length).toBe(800_000);
    }
    expect(tries).toEqual({ step: 3, workflow: 3 });
  });

  it('of a whole workflow are retried if it asks for that: every step runs again, under another key', async () => {
    const keys: (string | undefined)[] = [];
    const whole = workflow(
      'whole',
      async () => {
        await step.run('a', () => void keys.push(currentRun()?.idempotencyKey));
        if (keys.length < 3) throw new Error('not yet');
        return keys.length;
      },
      { retries: 3, backoff: { initial: '1h', jitter: 0 } },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [whole] });
    const crashed = engine.crashAfter(2); // the step, the retry
    await whole.with({ workflowId: 'w', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    expect(await engine.perdure.run('w').result()).toBe(3);
    expect(keys).toEqual(['w:0', 'w:r1:0', 'w:r2:0']);
  });

  it('that nobody awaits do not end the process', async () => {
    const unheard = workflow('unheard', async () => {
      void step.run('fails', async () => {
        throw new Error('unheard');
      });
      await step.run('works', () => new Promise((resolve) => setTimeout(resolve, 20)));
      return 'done';
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [unheard] });
    expect(await unheard.with({ engine: perdure })()).toBe('done');
  });

  it('say what cannot be stored, and the run goes on', async () => {
    const stores = workflow('stores', async () => {
      const codes: unknown[] = [];
      for (const value of [
        () => 1,
        'x'.repeat(300),
        { deep: [{ fn: () => 1 }] },
        Symbol('s'),
        deep(100_000),
        throwing,
      ]) {
        try {
          await step.run('value', () => value);
          codes.push('stored');
        } catch (error) {
          codes.push(error instanceof PerdureError ? error.code : error);
        }
      }
      return codes;
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [stores], maxPayloadBytes: 256 });
    expect(await stores.with({ engine: perdure })()).toEqual([
      'PERDURE_UNSUPPORTED_VALUE',
      'PERDURE_PAYLOAD_TOO_LARGE',
      'PERDURE_UNSUPPORTED_VALUE',
      'PERDURE_UNSUPPORTED_VALUE',
      'PERDURE_UNSUPPORTED_VALUE',
      'PERDURE_UNSUPPORTED_VALUE',
    ]);
  });

  it('of a result that cannot be stored fail the run', async () => {
    const returns = workflow('returns', async () => () => 1);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [returns] });
    await expect(returns.with({ engine: perdure })()).rejects.toMatchObject({ code: 'PERDURE_UNSUPPORTED_VALUE' });
  });
});

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
}

const throwing = {
  get trap(): never {
    throw new Error('trap');
  },
};
