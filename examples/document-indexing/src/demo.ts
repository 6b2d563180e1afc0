/**
 * Has a worker index the library, sees it die at 40 %, starts another one, and reports what happened.
 * With `--json` the report is one line of JSON, and nothing else is printed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type DocumentsServer, serveDocuments } from './documents-server.js';
import { Passages } from './passages.js';
import { Progress } from './progress.js';
import { examine, stepsInFlight } from './report.js';
import { databaseName, folder, leaseSeconds, schema, withDatabase } from './storage.js';

const isJson = process.argv.includes('--json');
const query = 'path to a config file';

const server = await serveDocuments(fileURLToPath(new URL('../../../node_modules', import.meta.url)));
await startAfresh();
say(`Indexing ${server.documents} documents, served at ${server.url}, into ${databaseName}.`);

const first = await runWorker(server, { dieAfter: Math.ceil(server.documents * 0.4) });
if (first.signal !== 'SIGKILL')
  stop(`The first worker was to be killed, but ended with ${first.signal ?? first.code}.`);
const kill = { pid: first.pid, atMs: Date.now() };
// Embedded Postgres is for one process at a time: this one looks while no worker runs.
const inFlight = await withDatabase(stepsInFlight);
say(`kill -9: the worker is dead. Steps that were under way: ${inFlight.size}. Starting another worker.`);

const second = await runWorker(server, { dieAfter: null });
if (second.code !== 0) stop(`The second worker ended with ${second.signal ?? second.code}.`);
const recoveryMs = Date.now() - kill.atMs;
server.close();

const { report, firstIndexedAfterMs, problems, hits } = await withDatabase(async (database) => ({
  ...(await examine({ documents: server.documents, kill, inFlight, stored: second.stored }, database)),
  hits: await new Passages(database).search(query),
}));
say(`
documents indexed         ${report.indexed} of ${report.documents}
passages stored           ${report.passages}
passages stored twice     ${report.duplicatePassages}
steps run twice           ${report.repeatedSteps}, of the ${report.inFlightAtKill} that were under way
indexing again after      ${seconds(firstIndexedAfterMs)} (a dead worker's lease lasts up to ${leaseSeconds} s)
finished after            ${seconds(recoveryMs)}

Searching for "${query}":`);
for (const { document, excerpt } of hits) say(`  ${document}\n    ${excerpt.replaceAll(/\s+/g, ' ')}`);

for (const problem of problems) console.error(`WRONG: ${problem}`);
if (problems.length > 0) process.exitCode = 1;
if (isJson) console.log(JSON.stringify(report));

async function startAfresh(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await withDatabase((database) => database.script(`drop schema if exists perdure_demo, ${schema} cascade`));
}

interface Ended {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** How many passages the workflow says that it stored; null if it did not get that far. */
  readonly stored: number | null;
}

interface Message {
  readonly indexed: number;
  readonly stored?: number;
}

/** Runs a worker until it ends, one way or the other. */
async function runWorker(server: DocumentsServer, options: { readonly dieAfter: number | null }): Promise<Ended> {
  const script = fileURLToPath(new URL('./worker.ts', import.meta.url));
  const worker: ChildProcess = fork(script, [server.url, String(options.dieAfter ?? 'never')]);
  const progress = isJson ? null : new Progress(server.documents);
  let stored: number | null = null;
  worker.on('message', (message: Message) => {
    stored = message.stored ?? stored;
    progress?.show(message.indexed);
  });
  const [code, signal] = (await once(worker, 'exit')) as [number | null, NodeJS.Signals | null];
  progress?.end();
  return { pid: worker.pid ?? 0, code, signal, stored };
}

function say(text: string): void {
  if (!isJson) console.log(text);
}

function seconds(ms: number | null): string {
  return ms === null ? 'never' : `${(ms / 1000).toFixed(1)} s`;
}

function stop(message: string): never {
  console.error(`WRONG: ${message}`);
  process.exit(1);
}
