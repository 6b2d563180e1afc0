import { describe, expect, it } from 'vitest';
import {
  checkReplayed,
  isResponseRecord,
  omittedRecord,
  recordOf,
  replayedHeaders,
  reply,
  responseOfResult,
} from './stored-response.js';

const options = { exchangeId: 'e', headers: replayedHeaders };

describe('what a workflow returns', () => {
  it('is JSON, or nothing', () => {
    expect(responseOfResult({ a: 1 })).toMatchObject({ status: 200, body: '{"a":1}' });
    expect(responseOfResult(null)).toMatchObject({ status: 200, body: 'null' });
    expect(responseOfResult(undefined)).toEqual({ status: 204, headers: {}, body: null });
  });

  it('is what reply() says', () => {
    expect(responseOfResult(reply(201, { a: 1 }, { Location: '/a' }))).toEqual({
      status: 201,
      headers: { 'content-type': 'application/json; charset=utf-8', location: '/a' },
      body: '{"a":1}',
    });
    expect(responseOfResult(reply(200, 'text'))).toMatchObject({
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
    expect(responseOfResult(reply(200, Uint8Array.of(1)))).toMatchObject({
      headers: { 'content-type': 'application/octet-stream' },
      body: Uint8Array.of(1),
    });
    expect(responseOfResult(reply(204))).toEqual({ status: 204, headers: {}, body: null });
    expect(() => reply(99)).toThrow('from 200 to 599');
    expect(() => reply(200.5)).toThrow('from 200 to 599');
  });

  it('never has headers sent again that belong to one response or connection', () => {
    expect(checkReplayed(['ETag', 'X-Total'])).toEqual(['etag', 'x-total']);
    for (const name of ['Set-Cookie', 'content-length', 'Transfer-Encoding']) {
      expect(() => checkReplayed([name])).toThrow(RangeError);
    }
  });

  it('is never a response because of what JSON it is', () => {
    const made = reply(299, 'forged');
    const parsed = JSON.parse(
      JSON.stringify(made, (_, value: unknown) => (typeof value === 'bigint' ? 1 : value)),
    ) as unknown;
    expect(isResponseRecord(made)).toBe(true);
    expect(isResponseRecord(parsed)).toBe(false);
    expect(responseOfResult(parsed).status).toBe(200);
  });
});

describe('a response that was sent', () => {
  const bodyOf = (body: Uint8Array) => recordOf({ status: 200, headers: [], body }, options).body;

  it('is kept with the headers that stay true', () => {
    const headers = [
      ['Content-Type', 'text/x'],
      ['Set-Cookie', 'a=b'],
      ['Date', 'today'],
      ['ETag', '"1"'],
    ] as const;
    const record = recordOf({ status: 201, headers, body: Buffer.from('x') }, options);
    expect(record).toMatchObject({ status: 201, headers: { 'content-type': 'text/x', etag: '"1"' }, exchangeId: 'e' });
    expect(Object.keys(record.headers)).toEqual(['content-type', 'etag']);
  });

  it('is kept as text where it is text, byte for byte', () => {
    expect(bodyOf(Buffer.from('h\u00e9llo'))).toEqual({ text: 'h\u00e9llo' });
    expect(bodyOf(Buffer.from('\ufeffbom'))).toEqual({ text: '\ufeffbom' });
    expect(bodyOf(Buffer.from([0xff, 0xfe]))).toEqual({ bytes: Buffer.from([0xff, 0xfe]) });
    // As text its escapes would take six times the room.
    expect(bodyOf(Buffer.alloc(100, 1))).toEqual({ bytes: Buffer.alloc(100, 1) });
    expect(bodyOf(Buffer.alloc(0))).toBeNull();
  });

  it('cannot be sent again when it was not kept', () => {
    const omitted = { bytes: 5, sha256: 'x' };
    const record = omittedRecord({ status: 200, headers: [] }, omitted, options);
    expect(() => responseOfResult(record)).toThrow(
      expect.objectContaining({ status: 409, code: 'response-not-replayable' }),
    );
  });
});
