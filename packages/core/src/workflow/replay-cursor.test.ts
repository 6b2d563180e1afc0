import { describe, expect, it } from 'vitest';
import type { Checkpoint, CheckpointKind } from '../store/records.js';
import { arrangeHistory } from './history.js';
import { ReplayCursor } from './replay-cursor.js';

const checkpoint = (position: number, seq: number, kind: CheckpointKind = 'step', name = 's'): Checkpoint => ({
  workflowId: 'w',
  position,
  seq,
  kind,
  name,
  payload: null,
  failed: false,
  startedAt: 0,
  finishedAt: position,
  attempt: 1,
});
const step = (seq: number, name = 's') => ({ seq, kind: 'step' as const, name });

describe('the replay cursor', () => {
  it('hands out results in recorded order, each once its call has been made', () => {
    const cursor = new ReplayCursor(arrangeHistory([checkpoint(0, 1), checkpoint(1, 0), checkpoint(2, 2)]));
    expect(cursor.next()).toBe('waiting');
    cursor.issue(step(0));
    expect(cursor.next()).toBe('waiting');
    cursor.issue(step(1));
    expect(cursor.next()).toMatchObject({ seq: 1 });
    expect(cursor.next()).toMatchObject({ seq: 0 });
    expect(cursor.next()).toBe('waiting');
    cursor.issue(step(2));
    expect(cursor.next()).toMatchObject({ seq: 2 });
    expect(cursor.next()).toBe('done');
    expect(cursor.leftOver()).toEqual([]);
  });

  it('notices a call of another kind or name, and remembers the last that matched', () => {
    const cursor = new ReplayCursor(arrangeHistory([checkpoint(0, 0), checkpoint(1, 1)]));
    expect(cursor.issue(step(0))).toMatchObject({ recorded: { result: { position: 0 } } });
    expect(cursor.issue(step(1, 'other'))).toMatchObject({ mismatch: { kind: 'step', name: 's' } });
    expect(cursor.issue({ seq: 1, kind: 'sleep', name: 's' })).toMatchObject({ mismatch: { kind: 'step' } });
    expect(cursor.lastMatched).toEqual(step(0));
    expect(cursor.leftOver()).toHaveLength(2);
  });

  it('knows calls that were open by what they left behind', () => {
    const history = arrangeHistory([
      checkpoint(0, 0, 'attempt', 'flaky'),
      checkpoint(1, 1, 'timer', 'sleep'),
      checkpoint(2, 0, 'attempt', 'flaky'),
    ]);
    const cursor = new ReplayCursor(history);
    expect(cursor.issue(step(0, 'flaky'))).toMatchObject({ recorded: { result: null, markers: [{}, {}] } });
    expect(cursor.issue(step(1, 'sleep'))).toMatchObject({ mismatch: { kind: 'sleep' } });
    expect(cursor.next()).toBe('done');
    expect(history.nextPosition).toBe(3);
  });

  it('delivers an interruption of the whole run at its place', () => {
    const cursor = new ReplayCursor(arrangeHistory([checkpoint(0, 0), checkpoint(1, -1, 'cancelled', '')]));
    cursor.issue(step(0));
    expect(cursor.next()).toMatchObject({ seq: 0 });
    expect(cursor.next()).toMatchObject({ kind: 'cancelled' });
  });

  it('starts afresh after the last retry of the whole workflow', () => {
    const history = arrangeHistory([
      checkpoint(0, 0),
      checkpoint(1, -1, 'retry', ''),
      checkpoint(2, 0, 'step', 'again'),
      checkpoint(3, -1, 'retry', ''),
      checkpoint(4, 0, 'step', 'third'),
    ]);
    expect(history).toMatchObject({ retries: 2, lastRetry: { position: 3 }, nextPosition: 5 });
    expect(history.deliveries.map(({ name }) => name)).toEqual(['third']);
    expect(history.calls.get(0)).toMatchObject({ name: 'third' });
  });
});
