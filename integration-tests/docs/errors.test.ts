import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './blocks.js';
import * as catalogue from '../../packages/core/src/errors/catalogue.js';

const page = readFileSync(`${root}docs/errors.md`, 'utf8');
const rows = [...page.matchAll(/^\| `([\w-]+)` +\| +`?(\w+)`? +\| +(\S.*?) +\| +(\S.*?) +\|$/gm)].map(
  ([, code, second]) => `${code} ${second}`,
);

it('docs/errors.md has every class of errors with its code, once', () => {
  const classes = Object.values(catalogue as Readonly<Record<string, unknown>>)
    .filter((value): value is { readonly code: string; readonly name: string } => typeof value === 'function')
    .map(({ code, name }) => `${code} ${name}`);
  expect(rows.filter((row) => row.startsWith('PERDURE_')).toSorted()).toEqual(classes.toSorted());
});

it('docs/errors.md has every code of a problem, once', () => {
  const source = readFileSync(`${root}packages/http/src/problem.ts`, 'utf8');
  const [union = ''] = /export type ProblemCode =[^;]+;/.exec(source) ?? [];
  const codes = [...union.matchAll(/'([\w-]+)'/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(10);
  expect(rows.filter((row) => !row.startsWith('PERDURE_')).map((row) => row.split(' ')[0])).toEqual(
    expect.arrayContaining(codes),
  );
  expect(rows.filter((row) => !row.startsWith('PERDURE_'))).toHaveLength(codes.length);
});

it('docs/errors.md has the status that a problem is made with', () => {
  const sources = [
    'handler-route',
    'idempotency-key',
    'options',
    'problem',
    'run-endpoints',
    'run-watch',
    'stored-response',
  ]
    .map((name) => readFileSync(`${root}packages/http/src/${name}.ts`, 'utf8'))
    .join('\n');
  const made = [...sources.matchAll(/new HttpProblem\(\s*(\d{3}),\s*'([\w-]+)'/g)].map(
    ([, status, code]) => `${code} ${status}`,
  );
  expect(made.length).toBeGreaterThan(10);
  expect(rows).toEqual(expect.arrayContaining(made));
});
