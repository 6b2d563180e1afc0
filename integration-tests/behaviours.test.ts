import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** The rows of behaviours.md that name a test. */
const named = [...read('behaviours.md').matchAll(/^\|[^|]*\| ([^|]+?) +\| `([^`]+)` +\|$/gm)].map(([, test, file]) => ({
  test: test!,
  file: file!,
}));

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

it.each(named)('there is a test "$test"', ({ test, file }) => {
  expect(read(file).replaceAll("\\'", "'")).toContain(test);
});

it('the table of behaviours has rows', () => {
  expect(named.length).toBeGreaterThan(50);
});
