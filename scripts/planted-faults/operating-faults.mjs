const core = 'packages/core/src/';

/**
 * Bugs in what people operate with: logs, metrics, versions, management and traces.
 *
 * @type {readonly import('./fault.mjs').Fault[]}
 */
export const operatingFaults = [
  {
    name: 'lines of a log repeated',
    promise: 'P4',
    file: `${core}workflow/log.ts`,
    find: "if (context?.kind === 'workflow' && context.isRepeating()) return;",
    plant: '',
    tests: 'integration-tests/logging/replay.test.ts',
    caughtBy: 'is not written again',
  },
  {
    name: 'names of errors told whatever they are',
    promise: 'P11',
    file: `${core}metrics/error-type.ts`,
    find: '/^[A-Z][A-Za-z0-9]{0,59}$/.test(error.name)',
    plant: "error.name !== ''",
    tests: 'integration-tests/metrics/canary.test.ts',
    caughtBy: 'is in no exported byte and no line of a log',
  },
  {
    name: 'patch where older code was',
    promise: 'P5',
    file: `${core}workflow/run-patches.ts`,
    find: 'if (!isFirstHere()) return false;',
    plant: '',
    tests: 'integration-tests/versions/patches.test.ts',
    caughtBy: 'is only for the runs that no older code has led past it',
  },
  {
    name: 'standstill in the midst of a history',
    promise: 'P5',
    file: `${core}workflow/run-execution.ts`,
    find: "if (this.#pending.size > 0) this.#ending.block({ kind: 'rest' });",
    plant: '',
    tests: 'integration-tests/engine/nondeterminism.test.ts',
    caughtBy: 'waits where its history goes on with something else',
  },
  {
    name: 'adopted without evidence',
    promise: 'P5',
    file: `${core}engine/deploy-gate.ts`,
    find: "verdict === 'compatible' && from !== null",
    plant: 'from !== null',
    tests: 'integration-tests/versions/check.test.ts',
    caughtBy: 'exactly those, and only those that nobody executes',
  },
  {
    name: 'check that lets the run go on',
    promise: 'P2',
    file: `${core}workflow/dry-run.ts`,
    find: 'onLive: () => end(null),',
    plant: 'onLive: () => {},',
    tests: 'integration-tests/versions/check.test.ts',
    caughtBy: 'says of each unfinished run whether a build can go on with it',
  },
  {
    name: 'promotion that claims do not heed',
    promise: 'P1',
    file: `${core}store/ownership.ts`,
    find: 'coalesce(runnable.version = promoted.version, runnable.is_latest)',
    plant: 'runnable.is_latest',
    tests: 'integration-tests/versions/versions.test.ts',
    caughtBy: 'that are promoted take all that is started by name',
  },
];
