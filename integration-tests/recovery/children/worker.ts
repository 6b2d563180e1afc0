/** A process that runs the workflows of `workflows.ts` and does what its parent asks. Spawned by `worker-process.ts`. */
import { type Database, Perdure, postgres, type Workflow } from '@perdure/core';
import type { Answer, Outcome, Question, WorkerOptions } from '../worker-process.js';
import { LedgerWriter } from './ledger-writer.js';
import { zombieDatabase } from './zombie-database.js';
import { defineWorkflows } from './workflows.js';

const options = JSON.parse(process.argv[2]!) as WorkerOptions;
const { url, label, schema, lease, leaseMs, maxCrashes, drainMs, isLateToNotice } = {
  ...options,
  leaseMs: options.lease,
};
const say = (answer: Answer): void => void process.send?.(answer);

const ledger = new LedgerWriter(options.ledger, label);
const workflows = defineWorkflows({ ledger, gates: options.gates, label });
const byName: Readonly<Record<string, Workflow<never[], unknown>>> = workflows;

const perdure = await Perdure.launch({ ...(await openDatabase()), schema, lease, maxCrashes });

process.on('message', (question: Question) => void reply(question));
// The parent is gone, with or without a word.
let isLeaving = false;
process.once('disconnect', () => {
  if (!isLeaving) process.exit(1);
});
process.once('SIGTERM', () => void leave());
say({ kind: 'ready' });
