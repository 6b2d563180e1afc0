import { expect, it } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import type { Outcome } from '../store/records.js';
import type { RunStore } from '../store/runs.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { SeededRandom } from '../util/seeded-random.js';
import { RunResults } from './run-results.js';

type Found = Awaited<ReturnType<RunStore['findOutcomes']>>;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const outcome = (payload: string): Outcome => ({ workflowId: 'w', kind: 'completed', payload, finishedAt: 0 });

it('tells nobody what was looked for before he waited: the run may have been started since, or have gone on', async () => {
  const looks: Deferred<Found>[] = [];
  const findOutcomes: RunStore['findOutcomes'] = () => {
    looks.push(deferred());
    return looks.at(-1)!.promise;
  };
  const results = new RunResults({
    runs: { findOutcomes } as RunStore,
    clock: new SystemClock(),
    random: new SeededRandom('results'),
    logger: quiet,
    pollMs: 3_600_000,
    askOthers: () => {},
  });
  const wait = (): Promise<Outcome> => results.wait('w', { isLocal: false, signal: null });
  const early = wait();
  await expect.poll(() => looks).toHaveLength(1);
  const late = wait();
  looks[0]!.resolve({ outcomes: [], unknownIds: ['w'] });
  await expect(early).rejects.toThrow('w');
  await expect.poll(() => looks).toHaveLength(2);
  const latest = wait();
  looks[1]!.resolve({ outcomes: [outcome('before')], unknownIds: [] });
  expect((await late).payload).toBe('before');
  await expect.poll(() => looks).toHaveLength(3);
  looks[2]!.resolve({ outcomes: [outcome('after')], unknownIds: [] });
  expect((await latest).payload).toBe('after');
  await results.stop(new Error('stopped'));
});
