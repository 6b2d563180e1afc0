/** Rows of the table that tests of their own show, by file and by words of the test's title. */
export const elsewhere: Readonly<Record<string, { readonly file: string; readonly title: string }>> = {
  'Two workflows of one name': {
    file: '../../packages/core/src/workflow/registry.test.ts',
    title: 'refuses another function of the same name',
  },
  'A start or a question before any engine was launched': {
    file: '../engine/starts.test.ts',
    title: 'needs an engine, and says so',
  },
  'A folder of embedded Postgres that another process uses': {
    file: '../database/folder-lock.test.ts',
    title: 'refuses the folder to another process, and says who has it and what to do',
  },
  'The database goes away, restarts, fails over or becomes read-only': {
    file: '../faults/refusals.test.ts',
    title: 'when the server is read-only for a while, as it is after a failover',
  },
  'The disk or the memory of the server is full, or a write fails there': {
    file: '../faults/refusals.test.ts',
    title: 'when every write fails with %s (%s) for a while',
  },
  'Others have all the connections of the server or the role': {
    file: '../faults/refusals.test.ts',
    title: 'when the role may not have more connections, and others have them all',
  },
  'The server crashes, and is started again': {
    file: '../faults/restarts.test.ts',
    title: 'nothing is lost and work goes on when Postgres crashes 20 times under load',
  },
  'More waits to be written than `maxBacklogBytes` (64 MiB)': {
    file: '../engine/health.test.ts',
    title: 'refuses starts when more waits for the database than may',
  },
  'A question that the server does not answer in time': {
    file: '../database/postgres.test.ts',
    title: 'ends a statement that takes too long, its connection, and its work on the server',
  },
  'Deleting runs, by `delete`, `prune` or `retention`, as a role that may not': {
    file: '../management/keeping.test.ts',
    title: 'is refused to a role that may not delete, which is told what it needs',
  },
  'Use of a database of yours after its `close()`': {
    file: '../database/driver.test.ts',
    title: 'refuses statements after close, which may be called again',
  },
  'A checkpoint that Postgres will never take, such as one that a trigger refuses': {
    file: '../engine/refused-items.test.ts',
    title: 'fails its run, and no other, when it is the %s',
  },
  'More than `maxCrashes` (5) processes in a row die under a run without progress': {
    file: '../recovery/poison.test.ts',
    title: 'puts a run that kills its process to `dead` after maxCrashes + 1 tries',
  },
  "A run waits longer than its queue's `maxWait`": {
    file: '../engine/queues.test.ts',
    title: 'fails what waits longer than it may',
  },
  'A workflow takes longer than its timeout': {
    file: '../engine/timeouts.test.ts',
    title: 'a workflow that takes too long fails',
  },
  'A cron pattern, a time zone or a period that is none, or that never comes about': {
    file: '../../packages/core/src/schedule/schedule-settings.test.ts',
    title: 'are refused if they do not hold',
  },
  "A schedule that there isn't": {
    file: '../engine/schedules.test.ts',
    title: 'is made at run time, with an input, changed and deleted',
  },
  'An event that a run has not set in time, or not at all': {
    file: '../engine/events.test.ts',
    title: 'that is not set in time, or never was, or of no run, is an error',
  },
  'A message to a run that has ended': {
    file: '../engine/messages.test.ts',
    title: 'to nobody, or to a run that has ended, is refused',
  },
  'A token that no run has made': {
    file: '../engine/tokens.test.ts',
    title: 'that nobody made, or whose run has ended without it, is refused',
  },
  'What a carrier captures that cannot be stored, or takes more than 8 KiB, and a carrier that throws': {
    file: '../engine/carriers.test.ts',
    title: 'refuses the start if it cannot be taken, and then nothing is stored',
  },
  'A value of a stream or an event that does not fit a schema': {
    file: '../engine/schemas.test.ts',
    title: 'checks and changes what is appended to a stream, all of one call or nothing',
  },
  'A message that does not fit the schema of the `receive`': {
    file: '../engine/messages.test.ts',
    title: 'is checked, and changed, by a schema when it is received',
  },
  'No message comes within the timeout of a `receive`': {
    file: '../engine/messages.test.ts',
    title: 'that does not come in time is an error of its own, told from null',
  },
  'A run is cancelled': { file: '../engine/cancellation.test.ts', title: 'stops it at once' },
  'A try of a step takes longer than its timeout': {
    file: '../engine/timeouts.test.ts',
    title: 'a step that takes too long is tried again',
  },
  'A step throws `NonRetryableError`': {
    file: '../engine/errors.test.ts',
    title: 'are not retried when they are marked so',
  },
  'Something that cannot be': {
    file: '../../packages/core/src/errors/errors.test.ts',
    title: 'has a class for every code',
  },
};
