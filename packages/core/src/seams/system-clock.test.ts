import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SystemClock } from './system-clock.js';

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2020, 0, 1) });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("follows the database's clock, whatever the wall clock says", () => {
    const clock = new SystemClock();
    expect(clock.now()).toBe(Date.UTC(2020, 0, 1));
    const sentAtMs = clock.monotonicMs();
    clock.synchronize(Date.UTC(2035, 0, 1), sentAtMs);
    expect(clock.now()).toBe(Date.UTC(2035, 0, 1));
    vi.setSystemTime(0);
    expect(clock.now()).toBe(Date.UTC(2035, 0, 1));
  });

  it('goes by the wall clock where the reading allows it, so that processes agree', () => {
    const clock = new SystemClock();
    const sentAtMs = clock.monotonicMs();
    const sentAt = Date.now();
    vi.advanceTimersByTime(900);
    // Read at once, and long on its way back.
    clock.synchronize(sentAt + 10, sentAtMs);
    expect(clock.now()).toBe(Date.now());
    vi.advanceTimersByTime(900);
    clock.synchronize(Date.now() + 5, clock.monotonicMs() - 20);
    expect(clock.now()).toBe(Date.now() + 15);
  });

  it('trusts the reading with the shortest round trip, and takes the middle of it', () => {
    const clock = new SystemClock();
    const first = clock.monotonicMs();
    vi.advanceTimersByTime(100);
    clock.synchronize(1_000_000_050, first);
    expect(clock.now()).toBe(1_000_000_100);
    const second = clock.monotonicMs();
    vi.advanceTimersByTime(1_000);
    clock.synchronize(5, second);
    expect(clock.now()).toBe(1_000_001_100);
  });

  it('stands still rather than going back a little', () => {
    const clock = new SystemClock();
    const first = clock.monotonicMs();
    vi.advanceTimersByTime(100);
    clock.synchronize(1_000_000_050, first);
    const before = clock.now();
    clock.synchronize(1_000_000_000, clock.monotonicMs());
    expect(clock.now()).toBe(before);
    vi.advanceTimersByTime(200);
    expect(clock.now()).toBe(1_000_000_200);
  });

  it('waits longer than the 24.8 days that a timer of Node can', () => {
    const clock = new SystemClock();
    const fired: string[] = [];
    clock.setTimer(100 * 86_400_000, () => fired.push('late'));
    const timer = clock.setTimer(99 * 86_400_000, () => fired.push('cancelled'));
    vi.advanceTimersByTime(50 * 86_400_000);
    timer.cancel();
    vi.advanceTimersByTime(50 * 86_400_000 - 1);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(fired).toEqual(['late']);
  });
});
