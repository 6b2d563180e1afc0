/**
 * Bugs that would break a promise, one at a time, and the test that must catch each.
 *
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} promise which of P1 to P12 (ARCHITECTURE.md) it breaks
 * @property {string} file where it is planted
 * @property {string} find what is there exactly once
 * @property {string} plant what stands there instead
 * @property {string} tests the file of tests that catches it
 * @property {string} caughtBy words of the title of a test that must fail
 */

const core = 'packages/core/src/';

/** @type {readonly Fault[]} */
export const faults = [
  {
    name: 'fence dropped',
    promise: 'P6',
    file: `${core}store/flush.ts`,
    find: 'where id = $1::uuid and revoked_at is null for key share',
    plant: 'where id = $1::uuid for key share',
    tests: 'integration-tests/engine/fence.test.ts',
    caughtBy: 'stops a flush that comes while its executor is being revoked',
  },
  {
    name: 'fence without a lock',
    promise: 'P6',
    file: `${core}store/flush.ts`,
    find: 'where id = $1::uuid and revoked_at is null for key share',
    plant: 'where id = $1::uuid and revoked_at is null',
    tests: 'integration-tests/engine/fence.test.ts',
    caughtBy: 'lets a flush in flight finish before its executor is revoked',
  },
  {
    name: 'non-retryable error retried',
    promise: 'P2',
    file: `${core}step/retry-policy.ts`,
    find: 'failedAttempts > policy.retries || isNonRetryable(error)',
    plant: 'failedAttempts > policy.retries || (isNonRetryable(error) && failedAttempts > 1)',
    tests: 'integration-tests/engine/errors.test.ts',
    caughtBy: 'are not retried when they are marked so, or retryIf says so',
  },
  {
    name: 'non-retryable SQLSTATE retried',
    promise: 'P12',
    file: `${core}checkpoint-log/checkpoint-log.ts`,
    find: "if (errorClass === 'data') return await this.#isolate(items, error);",
    plant: '',
    tests: 'integration-tests/engine/refused-items.test.ts',
    caughtBy: 'fails its run, and no other',
  },
  {
    name: 'lost reply treated as failure',
    promise: 'P12',
    file: `${core}checkpoint-log/checkpoint-log.ts`,
    find: "if (errorClass === 'data') return",
    plant: "if (errorClass === 'data' || errorClass === 'connection') return",
    tests: 'integration-tests/faults/lost-replies.test.ts',
    caughtBy: 'writes each of the flushes of a run twice, and no more often',
  },
  {
    name: 'token reused',
    promise: 'P6',
    file: `${core}engine/executor.ts`,
    find: 'this.id = random.uuid();',
    plant: "this.id = (services as unknown as Record<string, string>)['reused'] ??= random.uuid();",
    tests: 'integration-tests/recovery/zombie.test.ts',
    caughtBy: 'lets it start again under a new id',
  },
  {
    name: 'barrier skipped',
    promise: 'P2',
    file: `${core}workflow/run-execution.ts`,
    find: 'undurable: () => this.#recorder.undurable ?? this.#services.leaseRenewal(),',
    plant: 'undurable: () => null,',
    tests: 'integration-tests/engine/barrier.test.ts',
    caughtBy: 'waits until everything that the run did before is durable',
  },
  {
    name: 'delivery in call order',
    promise: 'P4',
    file: `${core}workflow/history.ts`,
    find: '    deliveries,\n    calls,',
    plant: '    deliveries: deliveries.toSorted((a, b) => a.seq - b.seq),\n    calls,',
    tests: 'integration-tests/engine/crash-points.test.ts',
    caughtBy: 'race',
  },
  {
    name: 'queue limit not counted',
    promise: 'P8',
    file: `${core}store/migrations/0002-queues.ts`,
    find: "(v_settings ->> 'concurrency')::int8 - count(*)",
    plant: "(v_settings ->> 'concurrency')::int8 + count(*)",
    tests: 'integration-tests/engine/queues.test.ts',
    caughtBy: 'never lets more than its concurrency begin',
  },
  {
    name: 'place in a queue not freed',
    promise: 'P8',
    file: `${core}checkpoint-log/checkpoint-log.ts`,
    find: 'if (item.isQueued) dequeued.push(item.outcome.workflowId);',
    plant: '',
    tests: 'integration-tests/engine/queues.test.ts',
    caughtBy: 'never lets more than its concurrency begin',
  },
  {
    name: 'rate limit not counted',
    promise: 'P8',
    file: `${core}store/migrations/0002-queues.ts`,
    find: "(v_settings ->> 'rateUnits')::int8 - coalesce(sum(a.units), 0) into v_budget",
    plant: "(v_settings ->> 'rateUnits')::int8 + coalesce(sum(a.units), 0) into v_budget",
    tests: 'integration-tests/engine/queues.test.ts',
    caughtBy: 'lets no more units begin in a stretch of time than its rate allows',
  },
  {
    name: 'keys take no turns',
    promise: 'P8',
    file: `${core}store/migrations/0002-queues.ts`,
    find: " and i.state = 'waiting' and i.key > v_key",
    plant: " and i.state = 'waiting' and i.key >= v_key",
    tests: 'integration-tests/engine/queues.test.ts',
    caughtBy: 'lets keys take turns, however many items one of them has',
  },
  {
    name: 'message not consumed',
    promise: 'P9',
    file: `${core}checkpoint-log/checkpoint-log.ts`,
    find: 'if (checkpoint.consumed !== undefined)',
    plant: 'if (checkpoint.consumed === null)',
    tests: 'integration-tests/engine/messages.test.ts',
    caughtBy: 'is received once although the process dies, at whatever checkpoint, and the order stays',
  },
  {
    name: 'message of a workflow without a key',
    promise: 'P9',
    file: `${core}workflow/messages.ts`,
    find: 'const idempotencyKey = message.idempotencyKey ?? call.idempotencyKey;',
    plant: 'const { idempotencyKey } = message;',
    tests: 'integration-tests/engine/messages.test.ts',
    caughtBy: 'is sent once from a workflow, whenever its process dies',
  },
  {
    name: 'failed try keeps what it streamed',
    promise: 'P9',
    file: `${core}step/run-step.ts`,
    find: 'failedAttempts += 1;\n    call.streams.rollBack();',
    plant: 'failedAttempts += 1;',
    tests: 'integration-tests/engine/streams.test.ts',
    caughtBy: 'gets of a step only what its successful try appended',
  },
  {
    name: 'dead process keeps what it streamed',
    promise: 'P9',
    file: `${core}step/run-step.ts`,
    find: '// Of a process that died.\n  call.streams.rollBack();',
    plant: '',
    tests: 'integration-tests/engine/streams.test.ts',
    caughtBy: 'takes back what a step had written when its process died',
  },
  {
    name: 'streamed and taken back in one commit',
    promise: 'P9',
    file: `${core}checkpoint-log/stream-changes.ts`,
    find: 'entries = entries.filter((entry) => !isDiscarded(entry, change));',
    plant: 'entries = [...entries];',
    tests: 'integration-tests/engine/streams.test.ts',
    caughtBy: 'gets of a step only what its successful try appended',
  },
  {
    name: 'offsets of a run begin anew where it is taken over',
    promise: 'P9',
    file: `${core}workflow/run-streams.ts`,
    find: 'stream.next = Math.max(stream.next, last + 1);',
    plant: '',
    tests: 'integration-tests/engine/streams.test.ts',
    caughtBy: 'loses, repeats and misplaces nothing, at whatever checkpoint the process dies',
  },
  {
    name: 'slots caught up with however old',
    promise: 'P9',
    file: `${core}engine/scheduler.ts`,
    find: 'const tooOld = now - settings.catchUpMs;',
    plant: 'const tooOld = -now + settings.catchUpMs;',
    tests: 'integration-tests/engine/schedules.test.ts',
    caughtBy: 'catches up with what nobody was there for, within its window, and counts the rest as missed',
  },
];
