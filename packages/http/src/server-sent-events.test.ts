import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunEvent } from './options.js';
import { eventStream } from './server-sent-events.js';

describe('a stream of events', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A source that gives nothing, for as long as it is asked for. */
  async function* silent(signal: AbortSignal): AsyncGenerator<RunEvent> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    yield* [];
  }

  it('ends with its client, also where nobody has read it or does so ever', async () => {
    const client = new AbortController();
    let asked: AbortSignal | undefined;
    eventStream((signal) => silent((asked = signal)), client.signal);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(vi.getTimerCount()).toBe(1);
    client.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect([vi.getTimerCount(), asked?.aborted]).toEqual([0, true]);
  });

  it('is over from the beginning for a client that has left', async () => {
    const { body } = eventStream(() => expect.unreachable(), AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
    expect(await new Response(body).text()).toBe('retry: 2000\n\n');
  });

  it('is at its end when its client leaves', async () => {
    const client = new AbortController();
    const text = eventStream(silent, client.signal).text();
    client.abort();
    expect(await text).toBe('retry: 2000\n\n');
  });
});
