import { expect, it } from 'vitest';
import { createCodec } from '../codec/codec.js';
import type { Checkpoint } from '../store/records.js';
import { recordedSteps } from './steps.js';

const codec = createCodec({ errorClasses: [], maxBytes: 1_000 });
const checkpoint = (given: Partial<Checkpoint>): Checkpoint => ({
  workflowId: 'w',
  position: 0,
  seq: 0,
  kind: 'step',
  name: 'pay',
  payload: codec.encode('paid'),
  failed: false,
  startedAt: 0,
  finishedAt: 1,
  attempt: 1,
  ...given,
});
const failedTry = checkpoint({ kind: 'attempt', payload: codec.encodeRecord({ retryAt: 5, error: null }) });
const committed = checkpoint({ kind: 'transaction', position: -1 });

it('tell of a transaction that has committed, though a try of its step had failed and the history has no result', () => {
  expect(recordedSteps([committed, failedTry], codec)).toMatchObject([
    { status: 'completed', value: 'paid', failedTries: [{ retryAt: 5 }] },
  ]);
});

it('tell once of a transaction whose result the history has', () => {
  const steps = recordedSteps([committed, failedTry, checkpoint({ position: 1 })], codec);
  expect(steps).toMatchObject([{ status: 'completed', failedTries: [{ retryAt: 5 }] }]);
});
