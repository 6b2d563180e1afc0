import type { ErrorClass } from '../codec/codec.js';
import type { Database } from '../database/database.js';
import { Runs } from '../management/run-admin.js';
import { processState } from '../workflow/process-state.js';
import type { Registry } from '../workflow/registry.js';
import type { RunStarter } from '../workflow/run-starter.js';
import { Cancellations } from './cancellations.js';
import { Correspondence } from './correspondence.js';
import { createServices } from './create-services.js';
import { DeployGate } from './deploy-gate.js';
import type { ResolvedOptions } from './engine-options.js';
import { ParkedWatchers } from './parked-watchers.js';
import { Queues } from './queues.js';
import { toRunInfo } from './run-info.js';
import { RunResults } from './run-results.js';
import type { Runner } from './runner.js';
import { createScheduling } from './scheduling.js';
import { Submissions } from './submissions.js';
import { Versions } from './versions.js';

/** What the parts ask of the desk that they belong to, once it is there. */
interface AskedDesk extends RunStarter {
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  readonly announceWork: () => void;
}

/** Makes what a desk is made of. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- it is what it returns
export function deskParts(
  made: {
    readonly given: Database;
    readonly options: ResolvedOptions;
    readonly registry: Registry;
    readonly errorClasses: readonly ErrorClass[];
    readonly runner: Runner;
  },
  desk: AskedDesk,
) {
  const { given, options, registry, errorClasses, runner } = made;
  const { services, database } = createServices(given, options, registry, errorClasses);
  const { clock, random, logger, store, codec, hints } = services;
  const pollMs = options.resultPollMs;
  const ask = <T>(send: () => Promise<T>): Promise<T> => desk.ask(send);
  const announceWork = (): void => desk.announceWork();
  const queues = new Queues({
    database,
    store: store.queues,
    deadLetters: store.deadLetters,
    clock,
    codec,
    definitions: () => processState().queues.values(),
    ask,
    onChange: announceWork,
  });
  const versions = new Versions({
    store: store.versions,
    registry,
    clock,
    ask,
    onChange: () => {
      announceWork();
      hints.send({ type: 'versions' });
    },
  });
  const deployGate = new DeployGate({
    services,
    starter: desk,
    errorClasses,
    ask,
    onAdopted: announceWork,
  });
  const runs = new Runs({
    store,
    database,
    clock,
    random,
    codec,
    tracing: services.tracing,
    ask,
    toInfo: (run) => toRunInfo(run, services.carriers),
    status: (workflowId) => desk.status(workflowId),
    cancel: (workflowId) => desk.cancel(workflowId),
    ensureQueue: (name) => queues.ensure(name),
    problemsOf: (executorId) => (executorId === runner.executorId() ? runner.problems() : []),
    onFreed: announceWork,
  });
  const scheduling = createScheduling({
    services,
    versions,
    database,
    ask,
    start: (request) => desk.start(request),
    cancel: (workflowId) => desk.cancel(workflowId),
    ensureQueue: (tx, name) => queues.ensureIn(tx, name),
    onFired: announceWork,
  });
  const submissions = new Submissions(services, database);
  const correspondence = new Correspondence(services, database, (workflowId) => runner.has(workflowId), announceWork);
  const results = new RunResults({
    runs: store.runs,
    clock,
    random,
    logger,
    pollMs,
    askOthers: (ids) => hints.send({ type: 'wanted', ids }),
  });
  const cancellations = new Cancellations({
    services,
    ask,
    executorId: runner.executorId,
    onCancelled: (workflowIds) => {
      runner.cancel(workflowIds);
      results.look(workflowIds);
    },
    onWork: announceWork,
  });
  const watchers = new ParkedWatchers({
    parking: store.parking,
    clock,
    random,
    logger,
    pollMs,
    askOthers: (ids) => hints.send({ type: 'wanted', ids }),
    onWoken: announceWork,
  });
  return {
    services,
    database,
    queues,
    versions,
    deployGate,
    runs,
    ...scheduling,
    submissions,
    correspondence,
    results,
    cancellations,
    watchers,
  };
}
