/** The process that indexes, and that is killed: `worker.ts <server> <kill after so many documents, or never>`. */
import { Perdure } from '@perdure/core';
import { Ledger } from './ledger.js';
import { Passages } from './passages.js';
import { pipeline } from './pipeline.js';
import { ledgerPath, openDatabase, schema } from './storage.js';

const [server = '', killAfter = 'never'] = process.argv.slice(2);
const database = openDatabase();
const passages = new Passages(database);
await passages.create();

let { indexed } = await passages.count();
const { indexLibrary } = pipeline({
  server,
  passages,
  ledger: new Ledger(ledgerPath),
  onIndexed() {
    indexed += 1;
    process.send?.({ indexed });
    if (indexed >= Number(killAfter)) process.kill(process.pid, 'SIGKILL');
  },
});

// The lease is how long a dead process keeps its runs; 15 seconds by default, shorter here so that you wait less.
const perdure = await Perdure.launch({ database, schema, lease: '3s' });
// With an id of its own the run is started once: in the second process this is the same run.
await indexLibrary.with({ workflowId: 'library' })();
await perdure.shutdown();
await database.close();
process.disconnect?.();
