import { receive, step, workflow } from '@perdure/core';
import type { Noted } from '../../support/scenarios.js';

export type Build = '1' | '2' | '3';

/**
 * Three builds of a shop. The second one does more in the end, which fits the orders that the first one has begun. The third
 * one does something else first, which fits none that has begun.
 */
export function shop(build: Build, noted: Noted) {
  const order = workflow(
    'order',
    async (no: number) => {
      if (build === '3') await step.run('reserve', () => noted(() => no));
      await step.run('charge', () => noted(() => no));
      await receive('paid');
      await step.run('ship', () => noted(() => no));
      if (build === '2') await step.run('thank', () => noted(() => no));
      return no;
    },
    { version: build },
  );
  return [order];
}
