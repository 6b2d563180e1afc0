/** The process that works, and dies: `worker.ts <library's url> <documents after which it dies, or never>`. */
import { Perdure } from '@perdure/core';
import { Ledger } from './ledger.js';
import { Library } from './library.js';
import { Passages } from './passages.js';
import { pipeline } from './pipeline.js';
import { leaseSeconds, ledgerPath, openDatabase, schema } from './storage.js';

const [url = '', dieAfter = 'never'] = process.argv.slice(2);
// However the demo ends, this process ends with it.
process.once('disconnect', () => process.exit());

const database = openDatabase();
const passages = new Passages(database);
await passages.create();

const library = new Library(url);
const ledger = new Ledger(ledgerPath);
const indexed = new Set(await passages.documents());

const { indexLibrary } = pipeline({
  listDocuments: ledger.noted(() => library.list()),
  fetchDocument: ledger.noted((path) => library.fetch(path)),
  storePassages: ledger.noted(async (path, texts) => {
    await passages.replace(path, texts);
    indexed.add(path);
    process.send?.({ indexed: indexed.size });
    // The worst moment to die: the passages are stored, and that this step is done is not.
    if (indexed.size >= Number(dieAfter)) process.kill(process.pid, 'SIGKILL');
    return texts.length;
  }),
});

// A dead process keeps its runs for as long as its lease lasts: 15 s by default, and less here, so that you wait less.
const perdure = await Perdure.launch({ database, schema, lease: `${leaseSeconds}s` });

// An id makes a start idempotent. In the second process this starts nothing, it waits for what the first one began.
const { passages: stored } = await indexLibrary.with({ workflowId: 'library' })();
process.send?.({ indexed: indexed.size, stored });

await perdure.shutdown();
await database.close();
process.disconnect?.();
