import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextFire, slotId } from './next-fire.js';
import { checkSchedule, nextSlot, type ScheduleOptions, type ScheduleTiming } from './schedule-settings.js';

function slots(timing: ScheduleTiming, from: string, count: number, options: ScheduleOptions = {}): string[] {
  const settings = checkSchedule('s', timing, options);
  const found: string[] = [];
  let at: number | null = Date.parse(from);
  while (at !== null && found.length < count) {
    at = nextSlot(settings, at);
    if (at !== null) found.push(new Date(at).toISOString());
  }
  return found;
}

describe('the slots of a schedule', () => {
  it('fire once a day in the wall clock of their zone, also when clocks change', () => {
    const berlin = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' };
    expect(slots(berlin, '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z', // 02:30 does not exist: the clock goes from 02:00 to 03:00
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(slots(berlin, '2026-10-24T00:00:00Z', 3)).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z', // 02:30 comes twice, and counts once
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(slots({ cron: '0 2 * * *', timeZone: 'America/New_York' }, '2026-03-07T12:00:00Z', 2)).toEqual([
      '2026-03-08T07:00:00.000Z',
      '2026-03-09T06:00:00.000Z',
    ]);
  });

  it('fire every hour that there is, also when clocks change', () => {
    const hourly = { cron: '0 * * * *', timeZone: 'Europe/Berlin' };
    for (const day of ['2026-03-28T22:00:00Z', '2026-10-24T22:00:00Z']) {
      const at = slots(hourly, day, 8).map((slot) => Date.parse(slot));
      expect(at).toEqual(at.map((_, no) => Date.parse(day) + (no + 1) * 3_600_000));
    }
  });

  it('may have seconds, names, the last day of a month, and steps', () => {
    expect(slots({ cron: '*/20 * * * * *' }, '2026-01-01T00:00:05Z', 2)).toEqual([
      '2026-01-01T00:00:20.000Z',
      '2026-01-01T00:00:40.000Z',
    ]);
    expect(slots({ cron: '0 8 * * MON-FRI' }, '2026-01-02T09:00:00Z', 1)).toEqual(['2026-01-05T08:00:00.000Z']);
    for (const sunday of ['0', '7', 'SUN']) {
      expect(slots({ cron: `0 8 * * ${sunday}` }, '2026-01-02T09:00:00Z', 1)).toEqual(['2026-01-04T08:00:00.000Z']);
    }
    expect(slots({ cron: '0 8 * JAN,MAR 5-7' }, '2026-01-30T09:00:00Z', 3)).toEqual([
      '2026-01-31T08:00:00.000Z',
      '2026-03-01T08:00:00.000Z',
      '2026-03-06T08:00:00.000Z',
    ]);
    expect(slots({ cron: '0 0 L * *' }, '2026-02-01T00:00:00Z', 1)).toEqual(['2026-02-28T00:00:00.000Z']);
  });

  it('of a period are multiples of it, from a moment or from 1970', () => {
    expect(slots({ every: '10m' }, '2026-01-01T00:03:00Z', 2)).toEqual([
      '2026-01-01T00:10:00.000Z',
      '2026-01-01T00:20:00.000Z',
    ]);
    const from = new Date('2026-01-01T00:01:00Z');
    expect(slots({ every: '10m' }, '2025-01-01T00:00:00Z', 2, { from })).toEqual([
      '2026-01-01T00:01:00.000Z',
      '2026-01-01T00:11:00.000Z',
    ]);
  });

  it('begin with the first date, also where that is the only slot', () => {
    const [from, until] = [new Date('2026-12-01T00:00:00Z'), new Date('2026-12-01T12:00:00Z')];
    for (const timing of [{ cron: '0 0 * * *' }, { every: '1d' }] as const) {
      expect(slots(timing, '2026-01-01T00:00:00Z', 9, { from, until })).toEqual(['2026-12-01T00:00:00.000Z']);
    }
  });

  it('end with the last date, and with the last run', () => {
    const until = new Date('2026-01-01T00:20:00Z');
    expect(slots({ every: '10m' }, '2026-01-01T00:00:00Z', 9, { until })).toEqual(['2026-01-01T00:10:00.000Z']);
    const settings = checkSchedule('s', { every: '10m' }, { maxRuns: 3 });
    expect(nextFire('s', settings, 0, 2).slotAt).toBe(600_000);
    expect(nextFire('s', settings, 0, 3)).toEqual({ slotAt: null, fireAt: null });
  });

  it('are each later than the one before, whatever the pattern, the zone and the moment', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu');
    const field = (max: number) => fc.oneof(fc.constant('*'), fc.integer({ min: 0, max }).map(String));
    fc.assert(
      fc.property(
        field(59),
        field(23),
        zones,
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        (minute, hour, timeZone, since) => {
          const settings = checkSchedule('s', { cron: `${minute} ${hour} * * *`, timeZone }, {});
          let at = since.getTime();
          for (let n = 0; n < 5; n += 1) {
            const next = nextSlot(settings, at);
            expect(next).toBeGreaterThan(at);
            at = next!;
          }
        },
      ),
    );
  });

  it('have a jitter of their own, the same in every process and below its limit', () => {
    const settings = checkSchedule('s', { every: '1h' }, { jitter: '5m' });
    const delays = Array.from({ length: 50 }, (_, no) => {
      const { slotAt, fireAt } = nextFire('s', settings, no * 3_600_000, 0);
      expect(nextFire('s', settings, no * 3_600_000, 0)).toEqual({ slotAt, fireAt });
      return fireAt! - slotAt!;
    });
    expect(Math.max(...delays)).toBeLessThan(300_000);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(new Set(delays).size).toBeGreaterThan(40);
  });

  it('are named by the schedule and the moment', () => {
    expect(slotId('nightly', Date.UTC(2026, 0, 1))).toBe('nightly@2026-01-01T00:00:00.000Z');
  });

  it.each<[ScheduleTiming, ScheduleOptions?]>([
    [{ cron: '' }],
    [{ cron: '* * *' }],
    [{ cron: '61 * * * *' }],
    [{ cron: 'hello' }],
    [{ cron: '0 0 31 2 *' }],
    [{ cron: '* '.repeat(200) }],
    [{ cron: null as never }],
    [{ cron: '* * * * *', timeZone: 'Mars/Phobos' }],
    [{ every: 0 }],
    [{ every: -1 }],
    [{ every: Infinity }],
    [{ every: 'soon' }],
    [{ every: '1m' }, { overlap: 'perhaps' as never }],
    [{ every: '1m' }, { maxRuns: 0 }],
    [{ every: '1m' }, { jitter: -1 }],
    [{ every: '1m' }, { catchUp: '1s' }],
    [{ every: '1m' }, { from: new Date(NaN) }],
    [{ every: '1m' }, { from: new Date(1), until: new Date(1) }],
  ])('are refused if they do not hold: %j %j', (timing, options = {}) => {
    expect(() => checkSchedule('s', timing, options)).toThrow(
      expect.objectContaining({ code: 'PERDURE_INVALID_ARGUMENT' }),
    );
  });
});
