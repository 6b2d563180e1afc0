/** A process that runs the workflows of `workflows.ts` and does what its parent asks. Spawned by `worker-process.ts`. */
import { Perdure, postgres } from '@perdure/core';
import { laneOptions } from '../../support/lanes.js';
import type { Ended, Message, Question, Start, WorkerOptions } from '../worker-process.js';
import { LedgerWriter } from './ledger-writer.js';
import { defineWorkflows } from './workflows.js';
import { zombieDatabase } from './zombie-database.js';

const { url, label, schema, leaseMs, maxCrashes, drainMs, ...options } = JSON.parse(process.argv[2]!) as WorkerOptions;

const say = (message: Message): void => void process.send?.(message);
const workflows = defineWorkflows({ ledger: new LedgerWriter(options.ledger, label), gates: options.gates, label });

// See Cluster.applicationName.
const labelledUrl = `${url}?application_name=${schema}.${label}`;
const target = options.noticesLate
  ? {
      database: zombieDatabase(postgres({ url: labelledUrl }), { leaseMs, onRefused: () => say({ kind: 'refused' }) }),
    }
  : { databaseUrl: labelledUrl };
const perdure = await Perdure.launch({ ...target, schema, lease: leaseMs, maxCrashes, ...laneOptions });

let isLeaving = false;
process.on('message', (question: Question) => void answer(question));
process.once('disconnect', () => {
  // The parent is gone, and this process is of no use to anybody.
  if (!isLeaving) process.exit(1);
});
process.once('SIGTERM', () => void leave());
say({ kind: 'ready' });

async function answer(question: Question): Promise<void> {
  const { no } = question;
  try {
    say({ kind: 'answer', no, value: await ask(question) });
  } catch (error) {
    say({ kind: 'failed', no, message: String(error) });
  }
}

async function ask(question: Question): Promise<unknown> {
  switch (question.kind) {
    case 'start':
      await Promise.all(question.runs.map(start));
      return null;
    case 'ends':
      return await Promise.all(question.workflowIds.map(endOf));
    case 'statuses':
      return await Promise.all(question.workflowIds.map((workflowId) => perdure.run(workflowId).status()));
    case 'executorId':
      return perdure.executorId;
  }
}

async function start({ workflow, workflowId, args }: Start): Promise<void> {
  await workflows[workflow].with({ workflowId }).start(...(args as [never, never]));
}

async function endOf(workflowId: string): Promise<Ended> {
  try {
    return { value: await perdure.run(workflowId).result() };
  } catch (error) {
    return { code: (error as { code?: string }).code ?? String(error) };
  }
}

/** Hands over and leaves nothing behind that keeps the process alive; nobody calls `process.exit`. */
async function leave(): Promise<void> {
  say({ kind: 'draining' });
  await perdure.shutdown({ drainMs });
  isLeaving = true;
  process.disconnect();
}
