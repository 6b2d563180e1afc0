import { EngineStoppedError, type Perdure } from '@perdure/core';
import { describe, expect, it, vi } from 'vitest';
import { SharedEngine } from './shared-engine.js';
import { sharedEngine } from './shared-engines.js';

/** Launches engines that only say what was done with them. */
function launcher(): { launch(): Promise<Perdure>; readonly said: string[] } {
  const said: string[] = [];
  let no = 0;
  return {
    said,
    launch() {
      no += 1;
      const name = `engine ${no}`;
      said.push(`${name} launched`);
      const shutdown = async (): Promise<void> => {
        said.push(`${name} leaves`);
        await Promise.resolve();
        said.push(`${name} has left`);
      };
      return Promise.resolve({ shutdown } as unknown as Perdure);
    },
  };
}

describe('the engine that bundles share', () => {
  it('is launched once, whoever needs it, and found by its name', async () => {
    const { launch, said } = launcher();
    const engine = new SharedEngine();
    const got = await Promise.all([engine.get(launch), engine.get(launch)]);
    expect(await engine.get(() => Promise.reject(new Error('another launch')))).toBe(got[0]);
    expect(got[1]).toBe(got[0]);
    expect(said).toEqual(['engine 1 launched']);
    expect(sharedEngine('a')).toBe(sharedEngine('a'));
    expect(sharedEngine('a')).not.toBe(sharedEngine('b'));
  });

  it('is tried again after it could not be launched', async () => {
    const { launch } = launcher();
    const engine = new SharedEngine();
    await expect(engine.get(() => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
    await expect(engine.beginSlice(() => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
    await engine.beginSlice(launch);
    await engine.endSlice(0);
    expect(await engine.get(launch)).toBeDefined();
  });

  it('leaves with the last slice, and before there is another', async () => {
    const { launch, said } = launcher();
    const engine = new SharedEngine();
    await engine.beginSlice(launch);
    await engine.beginSlice(launch);
    await engine.endSlice(0);
    expect(said).toEqual(['engine 1 launched']);
    const ended = engine.endSlice(0);
    await engine.beginSlice(launch);
    await ended;
    expect(said).toEqual(['engine 1 launched', 'engine 1 leaves', 'engine 1 has left', 'engine 2 launched']);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stays away when the process was told to end by %s', async (signal) => {
    const { launch, said } = launcher();
    const engine = new SharedEngine();
    await engine.beginSlice(launch);
    // The process itself is that of the tests.
    const once = vi.spyOn(process, 'once').mockReturnThis();
    engine.shutDownOnSignals({});
    for (const [name, listener] of once.mock.calls) if (name === signal) listener();
    once.mockRestore();
    await expect(engine.get(launch)).rejects.toBeInstanceOf(EngineStoppedError);
    await expect(engine.beginSlice(launch)).rejects.toBeInstanceOf(EngineStoppedError);
    await engine.endSlice(0);
    expect(said).toEqual(['engine 1 launched', 'engine 1 leaves', 'engine 1 has left']);
  });

  it('can be launched again after it was shut down by hand', async () => {
    const { launch, said } = launcher();
    const engine = new SharedEngine();
    await engine.get(launch);
    await engine.shutdown();
    await engine.get(launch);
    expect(said).toEqual(['engine 1 launched', 'engine 1 leaves', 'engine 1 has left', 'engine 2 launched']);
  });
});
