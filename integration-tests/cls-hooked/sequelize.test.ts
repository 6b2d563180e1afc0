import { randomUUID } from 'node:crypto';
import { createNamespace, namespaceCarrier } from '@perdure/cls-hooked';
import { Perdure, step, workflow } from '@perdure/core';
import pg from 'pg';
import { DataTypes, type Model, type ModelStatic, Sequelize } from 'sequelize';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

describe('Sequelize with a namespace of @perdure/cls-hooked', () => {
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const namespace = createNamespace(schema);
  let sequelize: Sequelize;
  let orders: ModelStatic<Model>;
  let perdure: Perdure;

  const count = async (sku: string): Promise<number> => await orders.count({ where: { sku }, transaction: null });

  beforeAll(async () => {
    Sequelize.useCLS(namespace);
    sequelize = new Sequelize(inject('postgresUrl'), { dialect: 'postgres', dialectModule: pg, logging: false });
    orders = sequelize.define('order', { sku: DataTypes.TEXT }, { schema, timestamps: false });
    await sequelize.createSchema(schema, {});
    await sequelize.sync();
    perdure = await Perdure.launch({
      databaseUrl: inject('postgresUrl'),
      schema: `${schema}_engine`,
      carriers: [namespaceCarrier(namespace, [])],
    });
  });

  afterAll(async () => {
    await perdure.shutdown({ drainMs: 0 });
    await sequelize.query(`drop schema ${schema} cascade; drop schema ${schema}_engine cascade`);
    await sequelize.close();
  });

  it('lets queries without a transaction join the one around them, however deep they are', async () => {
    const placed = async (sku: string): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      await orders.create({ sku });
    };
    const failing = sequelize.transaction(async () => {
      await placed('undone');
      expect(await orders.count({ where: { sku: 'undone' } })).toBe(1);
      expect(await count('undone')).toBe(0);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await sequelize.transaction(async () => await placed('kept'));
    expect([await count('undone'), await count('kept')]).toEqual([0, 1]);
    expect(namespace.get('transaction')).toBeUndefined();
  });

  it('keeps transactions apart that go on at the same time, nested ones included', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, no) =>
        sequelize.transaction(async (outer) => {
          await orders.create({ sku: `parallel ${no}` });
          expect(namespace.get('transaction')).toBe(outer);
          await new Promise((resolve) => setTimeout(resolve, 8 - no));
          expect(namespace.get('transaction')).toBe(outer);
          if (no % 2 === 1) throw new Error('odd');
        }),
      ),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(4);
    const kept = await Promise.all(results.map((_, no) => count(`parallel ${no}`)));
    expect(kept).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
  });

  it('does so in steps of a run, retries included', async () => {
    let tries = 0;
    const order = workflow(`order ${schema}`, async (sku: string) =>
      step.run(
        'place',
        async () =>
          await sequelize.transaction(async () => {
            await orders.create({ sku });
            tries += 1;
            if (tries === 1) throw new Error('the first try fails');
            return await orders.count({ where: { sku } });
          }),
        { retries: 1, backoff: { initial: 1 } },
      ),
    );
    expect(await order.with({ engine: perdure })('in a step')).toBe(1);
    expect([tries, await count('in a step')]).toEqual([2, 1]);
  });

  it('does so in no run that is started in a transaction, which may be over before the run is', async () => {
    const order = workflow(`late ${schema}`, async (sku: string) => {
      await step.run('place', async () => void (await orders.create({ sku })));
    });
    const failing = sequelize.transaction(async () => {
      await order.with({ engine: perdure })('of a run');
      await orders.create({ sku: 'of the transaction' });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect([await count('of a run'), await count('of the transaction')]).toEqual([1, 0]);
  });
});
