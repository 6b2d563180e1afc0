/**
 * Serves the audited queue until it is killed. Arguments: the database's url, the schema, the file for begins and ends, and
 * how many may begin in a period.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Perdure } from '@perdure/core';
import { auditedQueue } from '../audited-queue.js';

const [databaseUrl, schema, ledger, perPeriod] = process.argv.slice(2) as [string, string, string, string];

const { item } = auditedQueue(Number(perPeriod), async ({ no }) => {
  appendFileSync(ledger, `begin ${no} ${process.pid}\n`);
  await wait(no % 20);
  appendFileSync(ledger, `end ${no} ${process.pid}\n`);
});
await Perdure.launch({ databaseUrl, schema, workflows: [item], lease: '2s' });
process.once('disconnect', () => process.exit(1));
process.send?.('ready');
