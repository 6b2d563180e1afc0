import { describe, expect, it, vi } from 'vitest';
import { AbortOnDemand } from './abort-on-demand.js';

describe('an abort on demand', () => {
  it('tells a signal that was asked for before', () => {
    const abort = new AbortOnDemand();
    const heard = vi.fn();
    abort.signal.addEventListener('abort', heard);
    abort.abort();
    abort.abort();
    expect(heard).toHaveBeenCalledOnce();
    expect(abort).toMatchObject({ isAborted: true, signal: { aborted: true, reason: { name: 'AbortError' } } });
  });

  it('has aborted a signal that is asked for afterwards', () => {
    const abort = new AbortOnDemand();
    expect(abort.isAborted).toBe(false);
    abort.abort();
    expect(abort.signal).toMatchObject({ aborted: true, reason: { name: 'AbortError' } });
    expect(abort.signal).toBe(abort.signal);
  });
});
