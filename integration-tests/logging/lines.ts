import { Writable } from 'node:stream';

/** Where a logger writes JSON, a line at a time. */
export function jsonLines(): {
  readonly stream: Writable;
  readonly lines: Record<string, unknown>[];
  readonly text: () => string;
} {
  let text = '';
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += String(chunk);
      for (const line of String(chunk).split('\n')) {
        if (line !== '') lines.push(JSON.parse(line) as Record<string, unknown>);
      }
      done();
    },
  });
  return { stream, lines, text: () => text };
}
