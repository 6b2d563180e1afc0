import { expect, it } from 'vitest';
import { SeededRandom } from './seeded-random.js';

it('gives the same sequence for the same seed, and another for another', () => {
  const draw = (seed: string) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 50 }, () => [random.float(), random.uuid()]);
  };
  expect(draw('a')).toEqual(draw('a'));
  expect(draw('a')).not.toEqual(draw('b'));
});

it('draws numbers in [0, 1), evenly, and valid UUIDs of version 4', () => {
  const random = new SeededRandom('even');
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const bucket = Math.floor(random.float() * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
