import { expect, it } from 'vitest';
import { FrameReader } from './frames.js';

const message = (type: string, body: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
};

it.each([1, 2, 3, 5, 1_000])('finds the messages of a client in pieces of %i bytes', (size) => {
  const sent = [message('', 'startup'), message('Q', 'select 1\0'), message('S', ''), message('X', '')];
  const stream = Buffer.concat(sent);
  const reader = new FrameReader('client');
  const frames = [];
  for (let at = 0; at < stream.length; at += size) frames.push(...reader.read(stream.subarray(at, at + size)));
  expect(frames.map(({ type }) => type)).toEqual(['', 'Q', 'S', 'X']);
  expect(frames.map(({ bytes }) => bytes)).toEqual(sent);
});

it("expects a type on a server's first message, and waits for the rest of the last", () => {
  const reader = new FrameReader('server');
  const bytes = Buffer.concat([message('R', 'ok'), message('Z', 'I')]);
  expect(reader.read(bytes.subarray(0, -1)).map(({ type }) => type)).toEqual(['R']);
  expect(reader.read(bytes.subarray(-1)).map(({ type }) => type)).toEqual(['Z']);
});
