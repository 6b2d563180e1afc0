import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.js';

/** A flush that is answered by hand. */
function setup(options: { batchItemsMax?: number; batchBytesMax?: number; verdict?: (item: number) => string } = {}) {
  const verdictOf = options.verdict ?? ((item) => `done ${item}`);
  const flushes: { batch: readonly number[]; answer(): Promise<void> }[] = [];
  const log = new GroupCommit<number, string>({
    flush: (batch) =>
      new Promise((resolve) => {
        flushes.push({
          batch,
          answer: async () => {
            resolve(batch.map(verdictOf));
            await turns();
          },
        });
      }),
    nextTurn: (run) => void setImmediate(run),
    batchItemsMax: options.batchItemsMax ?? 100,
    batchBytesMax: options.batchBytesMax ?? 1_000,
    bytesOf: (item) => item,
    isFatal: (verdict) => verdict === 'fatal',
    ownerOf: (item) => (item % 2 === 0 ? 'even' : 'odd'),
  });
  return { log, flushes };
}

const large = { batchItemsMax: 1_000, batchBytesMax: 1_000_000 };

describe('group commit', () => {
  it('lets a fatal verdict hold for what its owner had appended after it, and for nobody else', async () => {
    const { log, flushes } = setup({ verdict: (item) => (item === 1 ? 'fatal' : `done ${item}`) });
    const verdicts = [log.append(1)];
    await turns();
    verdicts.push(...[2, 3, 4].map((item) => log.append(item)));
    expect(log.backlogBytes).toBe(10);
    await flushes[0]?.answer();
    expect(flushes.map(({ batch }) => batch)).toEqual([[1], [2, 4]]);
    expect(log.backlogBytes).toBe(6);
    await flushes[1]?.answer();
    expect(await Promise.all(verdicts)).toEqual(['fatal', 'done 2', 'fatal', 'done 4']);
    expect(log.backlogBytes).toBe(0);
  });

  it('flushes what is appended in one turn together, and gives each its verdict', async () => {
    const { log, flushes } = setup();
    const verdicts = [1, 2, 3].map((item) => log.append(item));
    await turns();
    expect(flushes.map(({ batch }) => batch)).toEqual([[1, 2, 3]]);
    await flushes[0]?.answer();
    expect(await Promise.all(verdicts)).toEqual(['done 1', 'done 2', 'done 3']);
  });

  it('has one flush in flight, and puts everything that came meanwhile into the next', async () => {
    const { log, flushes } = setup();
    void log.append(1);
    await turns();
    for (const item of [2, 3, 4]) {
      void log.append(item);
      await turns();
    }
    expect(flushes).toHaveLength(1);
    await flushes[0]?.answer();
    expect(flushes.map(({ batch }) => batch)).toEqual([[1], [2, 3, 4]]);
  });

  it('lets what a verdict leads to share the next flush', async () => {
    const { log, flushes } = setup();
    void log.append(1).then(() => log.append(3));
    await turns();
    void log.append(2);
    await flushes[0]?.answer();
    expect(flushes[1]?.batch).toEqual([2, 3]);
  });

  it('tells half of a large batch first, so that what it leads to is on its way while the others are told', async () => {
    const { log, flushes } = setup(large);
    const items = Array.from({ length: 120 }, (_, index) => index + 1);
    const told: number[] = [];
    const appended = items.map(async (item) => {
      await log.append(item);
      told.push(item);
      await log.append(item + 1_000);
    });
    await turns();
    await flushes[0]?.answer();
    expect(flushes[1]?.batch).toEqual(items.slice(0, 60).map((item) => item + 1_000));
    expect(told).toEqual(items);
    await flushes[1]?.answer();
    expect(flushes[2]?.batch).toEqual(items.slice(60).map((item) => item + 1_000));
    await flushes[2]?.answer();
    await Promise.all(appended);
    expect(flushes).toHaveLength(3);
  });

  it('tells all of a large batch where the half leads to nothing', async () => {
    const { log, flushes } = setup(large);
    const verdicts = Array.from({ length: 120 }, (_, index) => log.append(index));
    let isDrained = false;
    void log.drain().then(() => (isDrained = true));
    await turns();
    await flushes[0]?.answer();
    expect(await Promise.all(verdicts)).toHaveLength(120);
    await turns();
    expect(isDrained).toBe(true);
    expect(flushes).toHaveLength(1);
  });

  it('tells all of a large batch at once if one of it was refused, whose owner is to go no further', async () => {
    const { log, flushes } = setup({ ...large, verdict: (item) => (item === 120 ? 'fatal' : `done ${item}`) });
    const told: string[] = [];
    const verdicts = Array.from({ length: 120 }, async (_, index) => told.push(await log.append(index + 1)));
    const soon = verdicts[1]?.then(() => new Promise((resolve) => setImmediate(() => resolve([...told]))));
    await turns();
    await flushes[0]?.answer();
    expect(await soon).toHaveLength(120);
    expect(await soon).toContain('fatal');
  });

  it('tells nobody of the other half once it was abandoned', async () => {
    const { log, flushes } = setup(large);
    const told: number[] = [];
    for (let item = 0; item < 120; item += 1) {
      void log.append(item).then(() => {
        told.push(item);
        log.abandon();
      });
    }
    await turns();
    await flushes[0]?.answer();
    expect(told).toHaveLength(60);
  });

  it('keeps to its limits of items and bytes, but takes one item of any size', async () => {
    const { log, flushes } = setup({ batchItemsMax: 2, batchBytesMax: 10 });
    for (const item of [1, 2, 3, 8, 50, 1]) void log.append(item);
    for (let flush = 0; flush < 5; flush += 1) {
      await turns();
      await flushes[flush]?.answer();
    }
    expect(flushes.map(({ batch }) => batch)).toEqual([[1, 2], [3], [8], [50], [1]]);
  });

  it('drains when nothing is queued or in flight', async () => {
    const { log, flushes } = setup();
    await log.drain();
    void log.append(1);
    let isDrained = false;
    void log.drain().then(() => (isDrained = true));
    await turns();
    expect(isDrained).toBe(false);
    await flushes[0]?.answer();
    await turns();
    expect(isDrained).toBe(true);
  });

  it('settles nothing after it was abandoned, not even what is in flight', async () => {
    const { log, flushes } = setup();
    const settled: unknown[] = [];
    void log.append(1).then((verdict) => settled.push(verdict));
    await turns();
    void log.append(2).then((verdict) => settled.push(verdict));
    log.abandon();
    void log.append(3).then((verdict) => settled.push(verdict));
    void log.drain().then(() => settled.push('drained'));
    await flushes[0]?.answer();
    await turns();
    expect(settled).toEqual([]);
    expect(flushes).toHaveLength(1);
  });
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
