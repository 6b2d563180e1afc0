import { expect, it } from 'vitest';
import type { Checkpoint, CheckpointKind } from '../store/records.js';
import { lastPause } from './run-before.js';

const checkpoint = (kind: CheckpointKind, startedAt: number, finishedAt: number, attempt = 1): Checkpoint => ({
  workflowId: 'w',
  position: 0,
  seq: 0,
  kind,
  name: 'it',
  payload: null,
  failed: false,
  startedAt,
  finishedAt,
  attempt,
});
const [inMemory, parked] = [
  { createdAt: 0, queue: 'line' },
  { createdAt: 0, queue: null },
];
const step = checkpoint('step', 0, 1);

it.each([
  ['before it begins', parked, [], 20, 0],
  ['after its last record', parked, [step], 20, 1],
  ['in a wait', parked, [step, checkpoint('receive', 1, 21), checkpoint('step', 21, 22)], 23, 1],
  ['the last one of many', parked, [step, checkpoint('receive', 1, 21), checkpoint('receive', 21, 41)], 42, 21],
  ['between two attempts in memory', inMemory, [step, checkpoint('step', 21, 22, 2)], 23, 1],
])('a run has paused %s', (_, run, checkpoints, now, pausedAt) => {
  expect(lastPause(run, checkpoints, 10, now)).toBe(pausedAt);
});

it.each([
  ['while a step takes long', parked, [step, checkpoint('step', 2, 30), checkpoint('step', 3, 4)]],
  ['while a try takes long that fails', parked, [step, checkpoint('attempt', 2, 30)]],
  ['while it waits in memory', inMemory, [step, checkpoint('receive', 1, 30)]],
])('a run has not paused %s', (_, run, checkpoints) => {
  expect(lastPause(run, checkpoints, 10, 31)).toBeNull();
});
