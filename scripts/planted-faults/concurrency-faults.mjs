const core = 'packages/core/src/';
const simulation = {
  tests: 'integration-tests/simulation/simulation.test.ts',
  caughtBy: 'finds nothing that must not happen, whatever goes wrong',
};
const interleavings = 'integration-tests/interleavings/interleavings.test.ts';

/**
 * What goes wrong between processes, in an order that few tests come upon.
 *
 * @type {readonly import('./fault.mjs').Fault[]}
 */
export const concurrencyFaults = [
  {
    name: 'lease counted from the answer, and too long',
    promise: 'P6',
    file: `${core}recovery/lease.ts`,
    find: 'this.#heldUntilMs = sentAtMs + this.#options.leaseMs * 0.8;',
    plant: 'this.#heldUntilMs = this.#options.clock.monotonicMs() + this.#options.leaseMs * 2;',
    ...simulation,
  },
  {
    name: 'claim without an answer not asked about',
    promise: 'P1',
    file: `${core}engine/claims.ts`,
    find: 'const { runs, moreInMs } = isRepeated',
    plant: 'const { runs, moreInMs } = isRepeated && claimNo < 0',
    ...simulation,
  },
  {
    name: 'own start taken for that of another',
    promise: 'P1',
    file: `${core}store/flush.ts`,
    find: 'const ours = new Set(rows.filter(isOurs).map((row) => row.seed));',
    plant: "const ours = new Set(rows.filter(isOurs).map(() => ''));",
    ...simulation,
  },
  {
    name: 'start of an executor before taken for one’s own',
    promise: 'P6',
    file: `${core}store/flush.ts`,
    find: 'const ours = new Set(rows.filter(isOurs).map((row) => row.seed));',
    plant: 'const ours = new Set([...rows, ...rows.filter(isOurs)].map((row) => row.seed));',
    tests: 'integration-tests/engine/fence.test.ts',
    caughtBy: 'tells own starts from those of others',
  },
  {
    name: 'what ended written again although it was deleted',
    promise: 'P3',
    file: `${core}store/flush.ts`,
    find: "const isGuarded = mode === 'missing' && ownersOf(batch).length > 0;",
    plant: 'const isGuarded = batch.executorId === null;',
    tests: 'integration-tests/management/keeping.test.ts',
    caughtBy: 'is nothing of a run that is deleted',
  },
  {
    name: 'runs only found by hints',
    promise: 'P12',
    file: `${core}engine/claims.ts`,
    find: 'intervalMs: options.pollMs,',
    plant: 'intervalMs: options.pollMs * 1_000_000,',
    ...simulation,
  },
  {
    name: 'parking that waits for no sender',
    promise: 'P9',
    file: `${core}store/migrations/0010-parking.ts`,
    find: 'where r.workflow_id = any(p_ids) order by r.workflow_id for update;',
    plant: 'where r.workflow_id = any(p_ids) order by r.workflow_id;',
    tests: interleavings,
    caughtBy: 'parks for a message / is sent a message',
  },
  {
    name: 'cancellation that does not wait for starts under way',
    promise: 'P1',
    file: `${core}workflow/child-starts.ts`,
    find: 'await Promise.allSettled(this.#underWay);',
    plant: '',
    tests: 'integration-tests/engine/cancellation.test.ts',
    caughtBy: 'reaches a child that came to be meanwhile',
  },
  {
    name: 'cancellation that forgets children of the process before',
    promise: 'P1',
    file: `${core}workflow/run-execution.ts`,
    find: 'services.cancelChildren(run.workflowId), run.cancelRequested)',
    plant: 'services.cancelChildren(run.workflowId), false)',
    tests: 'integration-tests/engine/cancellation.test.ts',
    caughtBy: 'reaches it from another process',
  },
  {
    name: 'descendants of a dead process looked for in whole tables',
    promise: 'P6',
    file: `${core}store/ownership.ts`,
    find: 'cross join lateral (select workflow_id from ${schema}.runs where parent_id = tree.workflow_id offset 0) child',
    plant: 'join ${schema}.runs child on child.parent_id = tree.workflow_id',
    tests: 'integration-tests/recovery/releases.test.ts',
    caughtBy: 'where there are none yet',
  },
  {
    name: 'message that waits for no parking',
    promise: 'P9',
    file: `${core}store/messages.ts`,
    find: 'order by r.workflow_id for key share',
    plant: 'order by r.workflow_id',
    tests: interleavings,
    caughtBy: 'parks for a message / is sent a message',
  },
  {
    name: 'fence without a lock, under a recovery',
    promise: 'P6',
    file: `${core}store/flush.ts`,
    find: 'where id = $1::uuid and revoked_at is null for key share',
    plant: 'where id = $1::uuid and revoked_at is null',
    tests: interleavings,
    caughtBy: 'starts a child / is revoked and freed',
  },
];
