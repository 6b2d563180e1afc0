import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Fault {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly plant: string;
  readonly tests: string;
}

const root = new URL('../', import.meta.url);
const { faults } = (await import(new URL('scripts/planted-faults/faults.mjs', root).href)) as {
  readonly faults: readonly Fault[];
};

it.each(faults)('the fault "$name" can still be planted', ({ file, find, plant, tests }) => {
  expect(readFileSync(new URL(file, root), 'utf8').split(find)).toHaveLength(2);
  expect(plant).not.toBe(find);
  expect(existsSync(new URL(tests, root))).toBe(true);
});

it('no two planted faults have one name', () => {
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});
