import { expect, it } from 'vitest';
import { BoundedSet } from './bounded-set.js';

it('forgets what was added first, once it is full', () => {
  const set = new BoundedSet<number>(2);
  set.add(1).add(2).add(1);
  expect([...set]).toEqual([1, 2]);
  set.add(3);
  expect([...set]).toEqual([2, 3]);
});
