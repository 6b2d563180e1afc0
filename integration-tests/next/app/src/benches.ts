import type { Perdure } from '@perdure/core';
import type { AppOptions, TestRoute } from '../../../http/frameworks.js';

/** What a test puts into this process for the routes to serve. */
export interface NextBench {
  readonly perdure: Perdure;
  readonly routes: readonly TestRoute[];
  readonly options: AppOptions;
}

const key = Symbol.for('perdure.tests.next');

/** The benches of this process, by the value of {@link benchHeader}; the bundles of Next share no modules with the tests. */
export function nextBenches(): Map<string, NextBench> {
  const holder = globalThis as { [key]?: Map<string, NextBench> };
  return (holder[key] ??= new Map());
}

export const benchHeader = 'x-test-bench';
