import type { Perdure } from '@perdure/core';

const lookMs = 25;

/**
 * Resolves when an engine has had nothing to do for `settleMs`, or when the time is over; with how many runs were left. What
 * an engine has taken from others is known only once it has it, so idleness has to last a while.
 */
export async function untilIdle(perdure: Perdure, settleMs: number, sliceMs: number): Promise<number> {
  const begun = Date.now();
  let idleSince = begun;
  for (;;) {
    const { runs } = perdure.health();
    const now = Date.now();
    if (runs > 0) idleSince = now;
    if ((runs === 0 && now - idleSince >= settleMs) || now - begun >= sliceMs) return runs;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
