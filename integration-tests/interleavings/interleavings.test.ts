import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Examination, pairsOf } from './examine.js';
import type { Transition } from './explorer.js';
import { scenes } from './scenes.js';

/** All of them take minutes: `npm run interleavings`. Another share is tried each day. */
const shares = 20;
const share = Math.floor(Date.now() / 86_400_000) % shares;
const pairs = pairsOf(scenes);

/** Those that a lock alone keeps apart. */
const always = [
  'a run whose process seems to be dead: starts a child / is revoked and freed',
  'a run whose process seems to be dead: records a step / is revoked',
  'a run whose process seems to be dead: completes / is cancelled',
  'a run whose process seems to be dead: parks for a message / is sent a message',
  'a run whose process seems to be dead: parks for its child / loses its child to its end',
  'a run that is parked: is claimed by one process / is claimed by another process',
  'a run that is parked: is sent a message / is cancelled',
  'a run that has failed: goes on where it was / is deleted',
  'a workflow id: is started by one process / is started by another process',
  'a queue: is claimed from by one process / is claimed from by another process',
  'a queue: gets an item that is the only one / gets another that is the only one',
  'a workflow with two versions: promotes the second / claims as the first',
  'a schedule that is due: is fired by one process / is fired by another process',
];

describe('two changes of state in two sessions', () => {
  let examination: Examination;

  beforeAll(async () => {
    examination = await Examination.open(inject('postgresUrl'), `interleavings_${randomUUID().replaceAll('-', '')}`);
  });
  afterAll(() => examination.close());

  it.each(always)(
    'come to what one after the other comes to, in every order: %s',
    { timeout: 60_000 },
    async (name) => {
      const chosen = pairs.filter((pair) => pair.name === name);
      expect(chosen).toHaveLength(1);
      const { violations, orders } = await examination.examine(chosen[0]!);
      expect(violations).toEqual([]);
      expect(orders).toBeGreaterThan(2);
    },
  );

  it(
    `come to what one after the other comes to, in every order: share ${share} of ${shares}`,
    { timeout: 180_000 },
    async () => {
      const violations: string[] = [];
      for (const [index, pair] of pairs.entries()) {
        if (index % shares === share) violations.push(...(await examination.examine(pair)).violations);
      }
      expect(violations).toEqual([]);
    },
  );

  it('are seen to wait for each other where one holds what the other needs', async () => {
    const pair = pairs.find(({ name }) => name === always[0])!;
    const { waits, orders } = await examination.examine(pair);
    expect(waits).toBeGreaterThan(0);
    expect(waits).toBeLessThan(orders);
  });

  it('are found out where they come to something else', async () => {
    const pair = pairs.find(({ name }) => name === always[0])!;
    const lost = { ...pair, pair: [lostUpdate(examination.schema, 'a'), lostUpdate(examination.schema, 'b')] as const };
    const { violations } = await examination.examine(lost);
    expect(violations.length).toBeGreaterThan(0);
  });
});

/** Reads what is there, and writes that with something more: of two that do so at once, one is lost. */
const lostUpdate =
  (schema: string, what: string): Transition =>
  async (_, database) => {
    await database.transaction(async (tx) => {
      const select = `select input from ${schema}.runs where workflow_id = 'order'`;
      const [run] = await tx.query<{ input: string }>({ name: `read ${what}`, text: select, values: [] });
      const update = `update ${schema}.runs set input = $1::text where workflow_id = 'order'`;
      await tx.query({ name: `write ${what}`, text: update, values: [`${run!.input} ${what}`] });
    });
  };
