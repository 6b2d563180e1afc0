import { randomUUID } from 'node:crypto';
import { createNamespace, namespaceCarrier, type NamespaceLike } from '@perdure/cls-hooked';
import { step, workflow } from '@perdure/core';
import original from 'cls-hooked';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

const namespaces: readonly { readonly of: string; readonly create: (name: string) => NamespaceLike }[] = [
  { of: 'this package', create: createNamespace },
  { of: 'cls-hooked', create: original.createNamespace },
];

describe.each(databases)('a carrier on $name of a namespace', ({ open }) => {
  it.each(namespaces)(
    'of $of puts the named values back around a run and its steps, also after a crash',
    async ({ create }) => {
      const namespace = create(randomUUID());
      const seen: unknown[] = [];
      const note = (where: string): void =>
        void seen.push([where, namespace.get('tenant'), namespace.get('user'), namespace.get('connection')]);
      const work = workflow('work', async () => {
        note('function');
        await step.run('first', () => {
          note('first');
          Object.assign(namespace.active as object, { user: 'of the first step' });
        });
        await step.run('second', () => note('second'));
      });
      const carriers = [namespaceCarrier(namespace, ['tenant', 'user'])];
      const engine = await testEngine(await freshDatabase(open), { workflows: [work], carriers });
      const crashed = engine.crashAfter(1);
      const start = () => work.with({ workflowId: 'w', engine: engine.perdure }).start();
      await namespace.bind(start, { tenant: 'acme', user: 'ann', connection: () => {} })();
      await crashed;
      await engine.restart();
      await engine.perdure.run('w').result();
      expect(seen).toEqual(
        ['function', 'first', 'function', 'second'].map((where) => [where, 'acme', 'ann', undefined]),
      );
    },
  );

  it.each(namespaces)('of $of carries nothing of what is not named', async ({ create }) => {
    const namespace = create(randomUUID());
    const work = workflow('work', async () => namespace.get('user'));
    const carriers = [namespaceCarrier(namespace, ['tenant'])];
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work], carriers });
    const outside = await work.with({ engine: perdure }).start();
    const inside = await namespace.bind(() => work.with({ engine: perdure }).start(), { user: 'ann' })();
    expect([await outside.result(), (await outside.status()).context]).toEqual([undefined, {}]);
    expect([await inside.result(), (await inside.status()).context]).toEqual([
      undefined,
      { [`cls-hooked:${namespace.name}`]: {} },
    ]);
  });
});
