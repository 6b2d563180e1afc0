import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { Cli } from './cli.js';
import { Terminal, type TerminalStreams } from './terminal/terminal.js';

/** Somebody at a terminal who presses these keys when a question comes; null = whose terminal goes away. */
async function answer(keys: string | null) {
  const [stdin, stderr] = [0, 1].map(() => Object.assign(new PassThrough(), { isTTY: true, columns: 80 }));
  const streams = { stdin, stdout: new PassThrough(), stderr, env: {} } as unknown as TerminalStreams;
  const cli = new Cli({ terminal: new Terminal(streams), env: {}, engine: null });
  const asked = cli.isAgreed('This is to delete 2 runs.', { yes: undefined });
  if (keys === null) stdin!.end();
  else stdin!.write(keys);
  const isAgreed = await asked;
  stderr!.end();
  return { isAgreed, exitCode: cli.exitCode, said: await text(stderr!) };
}

const nothing = 'Nothing was done.\n';

it.each(['y\r', 'YES\r'])('does what is agreed to with %j', async (keys) => {
  const { said, ...answered } = await answer(keys);
  expect(answered).toEqual({ isAgreed: true, exitCode: 0 });
  expect(said).toContain('This is to delete 2 runs. [y/N] ');
  expect(said).not.toContain(nothing);
});

it.each([
  ['another answer', 'no\r', 0],
  ['no answer', '\r', 0],
  ['Ctrl-D', '\u0004', 0],
  ['the end of the terminal', null, 0],
  ['Ctrl-C', '\u0003', 130],
])('does nothing at %s, and says so', async (_, keys, exitCode) => {
  const { said, ...answered } = await answer(keys);
  expect(answered).toEqual({ isAgreed: false, exitCode });
  expect(said.endsWith(`\n${nothing}`)).toBe(true);
});
