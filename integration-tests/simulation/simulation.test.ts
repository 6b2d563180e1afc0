import { openAsBlob } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { simulate, type Verdict } from './simulation.js';
import { Storage } from './storage.js';

/** Seeds that have found bugs, or find planted ones that the first few do not. */
const telling = [184, 218, 305, 319, 501, 519, 905, 1105, 1408, 1621, 2801, 5733];

describe('a simulation', () => {
  const seeds = [...Array.from({ length: 20 }, (_, index) => index + 1), ...telling].map(String);
  const verdicts = new Map<string, Verdict>();
  let storage: Storage;

  beforeAll(async () => {
    storage = await Storage.open(await openAsBlob(inject('pgliteData')));
  });
  afterAll(() => storage.close());

  it('finds nothing that must not happen, whatever goes wrong', { timeout: 120_000 }, async () => {
    for (const seed of seeds) verdicts.set(seed, await simulate(seed, storage));
    const found = [...verdicts.values()].filter(({ violations }) => violations.length > 0);
    expect(found.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
  });

  it('meets every kind of trouble, and waits for the end of it all where troubles end', () => {
    const met = new Set([...verdicts.values()].flatMap(({ troubles }) => troubles));
    expect([...met].toSorted()).toEqual([
      'clock set',
      'conflict',
      'deaf',
      'hand over',
      'kill',
      'launch',
      'lost',
      'outage',
      'pause',
      'refused',
      'silent',
      'take-over',
    ]);
    const modes = [...verdicts.values()].map(({ mode }) => mode);
    expect(new Set(modes)).toEqual(new Set(['liveness', 'safety']));
  });

  it.each(seeds.slice(0, 3))('is the same again with seed %s, after others', { timeout: 60_000 }, async (seed) => {
    const again = await simulate(seed, storage);
    expect(again.hash).toBe(verdicts.get(seed)?.hash);
  });

  it('is another one with another seed', () => {
    expect(new Set([...verdicts.values()].map(({ hash }) => hash)).size).toBe(seeds.length);
  });
});
