import type { Perdure } from '@perdure/core';
import { expect, it } from 'vitest';
import { publishedEvents } from './published-events.js';

it.each([{}, { streams: ['a'], events: ['a'] }, { streams: ['end'] }, { events: Array.from('abcdefghijklmnopqrstu') }])(
  'clients cannot tell apart what %j names',
  (published) => {
    expect(() => publishedEvents({} as Perdure, published)).toThrow(RangeError);
  },
);
