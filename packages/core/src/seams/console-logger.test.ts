import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConsoleLogger } from './console-logger.js';

describe('the console logger', () => {
  let lines: string[];

  beforeEach(() => {
    lines = [];
    vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('writes warnings and errors, and nothing else', () => {
    const logger = new ConsoleLogger();
    logger.debug();
    logger.info({}, 'a detail');
    logger.warn({ loop: 'lease', err: new Error('away') }, 'it goes on');
    logger.error({ count: 2, nested: { a: [1n] } }, 'it does not');
    expect(lines).toEqual([
      'perdure warn: it goes on loop="lease" err=away',
      'perdure error: it does not count=2 nested={"a":["1"]}',
    ]);
  });

  it('writes what it is told to say besides', () => {
    new ConsoleLogger({ least: 'info' }).info({ count: 1 }, 'a detail');
    expect(lines).toEqual(['perdure info: a detail count=1']);
  });

  it('writes one line, whatever the texts hold', () => {
    new ConsoleLogger().warn({ err: new Error('first\r\nperdure error: forged\u2028\u001b[31m') }, 'two\nlines');
    expect(lines).toEqual(['perdure warn: two lines err=first perdure error: forged [31m']);
  });

  it.each([
    ['connect postgres://app:s3cret@db:5432/app failed', 'connect postgres://app:***@db:5432/app failed'],
    ['postgres://app:p@ss:w@db/app', 'postgres://app:***@db/app'],
    ['http://host:80/path is fine', 'http://host:80/path is fine'],
  ])('leaves the password out of %j', (message, expected) => {
    new ConsoleLogger().error({ err: new Error(message), url: message }, 'failed');
    expect(lines).toEqual([`perdure error: failed err=${expected} url="${expected}"`]);
  });

  it('does not throw over a field that cannot be read', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const fields = {
      cycle,
      absent: undefined,
      odd: Object.assign(new Error('e'), { message: { a: 1 } }),
      get trap() {
        throw new Error('trap');
      },
    };
    new ConsoleLogger().warn(fields, 'hostile');
    expect(lines).toEqual([
      'perdure warn: hostile cycle=[unreadable] absent=undefined odd=[object Object] trap=[unreadable]',
    ]);
  });
});
