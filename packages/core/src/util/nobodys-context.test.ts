import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { nobodysContext } from './nobodys-context.js';

describe('nobody’s context', () => {
  it('has every storage empty, also one that is newer, and leaves the caller in its own', async () => {
    const [users, requests] = [new AsyncLocalStorage<string>(), new AsyncLocalStorage<number>()];
    await users.run('alice', () =>
      requests.run(1, async () => {
        const inNobodys = await nobodysContext();
        const newer = new AsyncLocalStorage<string>();
        const seen = (): unknown[] => [users.getStore(), requests.getStore(), newer.getStore()];
        newer.run('here', () => {
          expect(inNobodys(seen)).toEqual([undefined, undefined, undefined]);
          expect(seen()).toEqual(['alice', 1, 'here']);
        });
      }),
    );
  });

  it('goes on in what is begun there: promises, timers and ticks', async () => {
    const users = new AsyncLocalStorage<string>();
    const seen = await users.run('alice', async () => {
      const inNobodys = await nobodysContext();
      return await inNobodys(async () => {
        const found = [users.getStore()];
        await Promise.resolve();
        found.push(users.getStore());
        await new Promise((resolve) => setTimeout(resolve, 1));
        found.push(users.getStore());
        await new Promise<void>((resolve) => process.nextTick(resolve));
        return [...found, users.getStore()];
      });
    });
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('is left by `enterWith`, which changes the context of the code that calls it', async () => {
    const users = new AsyncLocalStorage<string>();
    await (async () => {
      users.enterWith('alice');
      expect((await nobodysContext())(() => users.getStore())).toBeUndefined();
      expect(users.getStore()).toBe('alice');
    })();
  });
});
