import { describe, expect, it } from 'vitest';
import { check } from './check.js';
import { cleanHistories } from './fixtures/clean.js';
import { faultyRuns } from './fixtures/faulty-runs.js';
import { faultySurroundings } from './fixtures/faulty-surroundings.js';
import { invariants } from './violation.js';

const faulty = [...faultyRuns, ...faultySurroundings];

describe('the checker', () => {
  it.each(faulty)('flags $invariant, and that alone: $name', ({ invariant, story }) => {
    const found = check(story().evidence());
    expect(found.map((violation) => violation.invariant)).toEqual([invariant]);
    expect(found[0]!.seed).toBe('fixture');
  });

  it('shows with what it flags the events that show it', () => {
    const [found] = check(
      faulty
        .find(({ name }) => name === 'an outcome that changes')!
        .story()
        .evidence(),
    );
    expect(found).toMatchObject({ workflowId: 'r', what: 'its outcome was written again' });
    expect(found!.history).toHaveLength(2);
    expect(found!.history[1]).toContain('change=update');
  });

  it.each(cleanHistories)('flags nothing in $name', ({ story }) => {
    expect(check(story().evidence())).toEqual([]);
  });

  it('has histories that break each invariant, and 40 at least', () => {
    expect(new Set(faulty.map(({ invariant }) => invariant))).toEqual(new Set(Object.keys(invariants)));
    expect(faulty.length).toBeGreaterThanOrEqual(40);
  });
});
