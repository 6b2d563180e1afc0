import { randomUUID } from 'node:crypto';
import type { Perdure } from '@perdure/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostedHttp } from './hosted-http.js';

const sliceMs = 10_000;
/** After which what looks now and then has looked again. */
const lookMs = 50;

describe('an engine that may not stay', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** An application with so many runs to execute, and what is left to do when its response is out. */
  function host(runs: number) {
    const engine = { runs, hasLeft: false };
    const perdure = {
      health: () => ({ runs: engine.runs }),
      shutdown: () => Promise.resolve(void (engine.hasLeft = true)),
    } as unknown as Perdure;
    const works: (() => Promise<void>)[] = [];
    const http = new HostedHttp(
      {
        name: randomUUID(),
        launch: () => Promise.resolve(perdure),
        queue: null,
        sliceMs,
        after: (work) => void works.push(work),
      },
      {},
    );
    const answered = { runs: null as number | null }; // null = not yet
    const tick = async (): Promise<void> => {
      const request = new Request('http://host/tick', { headers: { authorization: 'Bearer secret' } });
      const response = await http.ticks('secret')(request);
      answered.runs = ((await response.json()) as { readonly runs: number }).runs;
    };
    const respond = (): void => works.forEach((work) => void work());
    return { engine, http, tick, answered, respond };
  }

  it('leaves with the answer of a tick that has taken the whole slice', async () => {
    const { engine, tick, answered, respond } = host(2);
    void tick();
    await vi.advanceTimersByTimeAsync(sliceMs - 1);
    expect(answered.runs).toBeNull();
    await vi.advanceTimersByTimeAsync(lookMs);
    expect(answered.runs).toBe(2);
    respond();
    await vi.advanceTimersByTimeAsync(0);
    expect(engine.hasLeft).toBe(true);
  });

  it('goes on for the rest of the slice where work comes after the answer of a tick', async () => {
    const { engine, tick, answered, respond } = host(0);
    void tick();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(answered.runs).toBe(0);
    engine.runs = 1;
    respond();
    await vi.advanceTimersByTimeAsync(5_900);
    expect(engine.hasLeft).toBe(false);
    await vi.advanceTimersByTimeAsync(100 + lookMs);
    expect(engine.hasLeft).toBe(true);
  });

  it('goes on for a slice after a request, however long that took to be answered', async () => {
    const { engine, http, respond } = host(1);
    await http.engaged(() => {});
    await vi.advanceTimersByTimeAsync(2 * sliceMs);
    respond();
    await vi.advanceTimersByTimeAsync(sliceMs - 1);
    expect(engine.hasLeft).toBe(false);
    await vi.advanceTimersByTimeAsync(lookMs);
    expect(engine.hasLeft).toBe(true);
  });
});
