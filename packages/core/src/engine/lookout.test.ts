import { expect, it } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import { SeededRandom } from '../util/seeded-random.js';
import { Lookout } from './lookout.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const hourMs = 3_600_000;

function lookoutFor(
  awaited: readonly string[],
  pollMs: number,
  look: (ids: readonly string[]) => Promise<void>,
): Lookout {
  const seams = { clock: new SystemClock(), random: new SeededRandom('lookout'), logger: quiet };
  return new Lookout({ ...seams, name: 'test', awaited: () => awaited, look, pollMs });
}

it('looks at the runs that it is told of, once for those told of meanwhile, and at no others', async () => {
  const seen: (readonly string[])[] = [];
  const lookout: Lookout = lookoutFor(['a', 'b', 'c'], hourMs, async (ids) => {
    await Promise.resolve(); // as a query does
    seen.push(ids);
    if (seen.length === 1) for (const id of ['b', 'a', 'b']) lookout.look([id]);
  });
  lookout.look(['a']);
  await expect.poll(() => seen).toEqual([['a'], ['b', 'a']]);
  await lookout.stop();
});

it('looks at all from time to time, also when it is told of one all the time', async () => {
  const seen = new Set<string>();
  const lookout: Lookout = lookoutFor(['a', 'b'], 20, async (ids) => {
    for (const id of ids) seen.add(id);
    lookout.look(['a']);
    await new Promise((resolve) => setImmediate(resolve));
  });
  lookout.look(['a']);
  await expect.poll(() => [...seen].toSorted()).toEqual(['a', 'b']);
  await lookout.stop();
});

it('looks at many in parts', async () => {
  const ids = Array.from({ length: 12_000 }, (_, no) => `${no}`);
  const parts: number[] = [];
  const lookout = lookoutFor(ids, hourMs, async (some) => void parts.push(some.length));
  lookout.look(ids);
  await expect.poll(() => parts).toEqual([5_000, 5_000, 2_000]);
  await lookout.stop();
});

it('tells when a run has been looked at since, however often that failed', async () => {
  let tries = 0;
  const lookout = lookoutFor(['a'], 20, async () => {
    tries += 1;
    if (tries < 3) throw new Error('away');
  });
  await lookout.looked('a');
  expect(tries).toBe(3);
  await lookout.stop();
});
