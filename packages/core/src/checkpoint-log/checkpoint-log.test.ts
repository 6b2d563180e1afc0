import { expect, it } from 'vitest';
import { noMetrics } from '../metrics/metrics.js';
import { SystemClock } from '../seams/system-clock.js';
import type { FlushBatch, FlushResult } from '../store/flush.js';
import { CheckpointLog, type LogItem } from './checkpoint-log.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const recorded: FlushResult = { held: true, takenSeeds: new Set(), hasWoken: false };
const ended: LogItem = {
  kind: 'outcome',
  outcome: { workflowId: 'run', kind: 'completed', payload: null, finishedAt: 0 },
  isQueued: false,
  claimNo: 1,
  parentId: null,
};

/** A log whose flushes take a hint along; `refuse` throws for what the database does not accept. */
function enclosing(refuse: (batch: FlushBatch) => void) {
  const written: string[] = [];
  let sent = 0;
  const write = (mode: string) => async (batch: FlushBatch) => {
    written.push(`${mode} with ${batch.enclosed.join()}`);
    refuse(batch);
    return recorded;
  };
  const log = new CheckpointLog({
    executorId: 'executor',
    flush: { writeNew: write('new'), writeMissing: write('missing') },
    clock: new SystemClock(),
    logger: quiet,
    metrics: noMetrics,
    afterFlush: null,
    flushItemsMax: 100,
    enclose: () => ({ payloads: ['hint'], onSent: () => (sent += 1) }),
    onWoken() {},
    onRevoked() {},
  });
  return { log, written, sent: () => sent };
}

it('says that hints have gone with what is recorded', async () => {
  const { log, written, sent } = enclosing(() => {});
  expect(await log.append(ended)).toEqual({ kind: 'recorded' });
  expect(written).toEqual(['new with hint']);
  expect(sent()).toBe(1);
});

it.each(['54000', '08006', '23505'])('records without hints what was not accepted with them (%s)', async (code) => {
  const { log, written, sent } = enclosing(({ enclosed }) => {
    if (enclosed.length > 0) throw Object.assign(new Error('too many notifications in the NOTIFY queue'), { code });
  });
  expect(await log.append(ended)).toEqual({ kind: 'recorded' });
  expect(written).toEqual(['new with hint', 'missing with ']);
  expect(sent()).toBe(0);
});
