import type { Perdure } from '@perdure/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { untilIdle } from './until-idle.js';

const sliceMs = 1_000;

describe('waiting until an engine is idle', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Waits beside an engine with these runs; `left` is how many were, once it is known. */
  function wait(runs: number, settleMs: number) {
    const engine = { runs };
    const waiting: { left: number | null } = { left: null };
    const perdure = { health: () => ({ runs: engine.runs }) } as unknown as Perdure;
    void untilIdle(perdure, settleMs, sliceMs).then((left) => (waiting.left = left));
    return { engine, waiting };
  }

  it.each([0, 100])('lasts until the slice is over where there is work, if idleness lasts %i ms', async (settleMs) => {
    const { waiting } = wait(2, settleMs);
    await vi.advanceTimersByTimeAsync(sliceMs - 1);
    expect(waiting.left).toBeNull();
    await vi.advanceTimersByTimeAsync(50);
    expect(waiting.left).toBe(2);
  });

  it.each([0, 100])('is over where there is no work any more, if idleness lasts %i ms', async (settleMs) => {
    const { engine, waiting } = wait(1, settleMs);
    await vi.advanceTimersByTimeAsync(400);
    expect(waiting.left).toBeNull();
    engine.runs = 0;
    await vi.advanceTimersByTimeAsync(settleMs + 50);
    expect(waiting.left).toBe(0);
  });
});
