import { expect, it } from 'vitest';
import { parsePrefer } from './preferences.js';

it.each([
  [null, false, null],
  ['', false, null],
  ['respond-async', true, null],
  ['Respond-Async, Wait=10', true, 10],
  ['wait="5"; x=1 , handling=lenient', false, 5],
  ['return=minimal, respond-async; foo=bar', true, null],
  ['wait=-1', false, null],
  ['wait=99999999999', false, null],
  ['x-respond-async', false, null],
])('what %j prefers', (field, respondAsync, waitSeconds) => {
  expect(parsePrefer(field)).toEqual({ respondAsync, waitSeconds });
});
