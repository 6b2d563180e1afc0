import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { forkChild } from '../support/children.js';

interface Leaving {
  readonly child: ChildProcess;
  readonly says: (what: string) => Promise<void>;
  readonly ended: Promise<readonly unknown[]>;
}

function launch(manner: 'alone' | 'drained'): Leaving {
  const child = forkChild(new URL('./children/leaving.ts', import.meta.url), [manner], 2);
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: unknown[] = [];
  child.on('message', (what) => said.push(what));
  return {
    child,
    says: async (what) => void (await eventually(`it says ${what}`, () => said.includes(what))),
    ended: once(child, 'exit'),
  };
}

describe('a process with @perdure/otel that gets SIGTERM', () => {
  it('sends what has ended, and ends, where nobody else listens', async () => {
    const { child, says, ended } = launch('alone');
    await says('ready');
    child.kill('SIGTERM');
    await says('exporting');
    child.send('arrived');
    expect(await ended).toEqual([null, 'SIGTERM']);
  });

  it('does not cut an application short that listens to it once, and takes longer to leave', async () => {
    const { child, says, ended } = launch('drained');
    await says('ready');
    child.kill('SIGTERM');
    await says('leaving');
    await says('exporting');
    child.send('arrived');
    await says('flushed');
    // It may be gone by now, which it must not be.
    child.send('leave', () => {});
    expect(await ended).toEqual([0, null]);
  });
});
