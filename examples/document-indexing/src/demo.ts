/**
 * Starts the indexing in a process of its own, which kills itself at 40 %; starts it again; and reports what happened.
 * `--json` prints nothing but one line of JSON.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { serveDocuments } from './documents-server.js';
import { Ledger } from './ledger.js';
import { Passages } from './passages.js';
import { makeReport, problemsOf, stepsInFlight } from './report.js';
import { folder, ledgerPath, openDatabase, schema } from './storage.js';

const isJson = process.argv.includes('--json');
const say = (text: string): void => {
  if (!isJson) console.log(text);
};

const server = await serveDocuments(fileURLToPath(new URL('../../../node_modules', import.meta.url)));
await startAfresh();
say(
  `Indexing ${server.documents} documents from ${server.url} into ${process.env['DATABASE_URL'] ? 'your Postgres' : 'an embedded Postgres'}.`,
);

const first = startWorker(Math.ceil(server.documents * 0.4));
const killed = await ended(first);
const killedAtMs = Date.now();
if (killed.signal !== 'SIGKILL')
  fail(`The first process should have been killed, but ended with ${killed.code ?? killed.signal}.`);
say(`\nkill -9: process ${first.pid} is dead, in the middle of its work.`);

const inFlight = await withDatabase(stepsInFlight);
say(`${inFlight.size} steps were under way. Starting another process.\n`);

const second = startWorker('never');
const finished = await ended(second);
if (finished.code !== 0) fail(`The second process ended with ${finished.code ?? finished.signal}.`);
const finishedAtMs = Date.now();

await withDatabase(async (database) => {
  const passages = new Passages(database);
  const { repeatedKeys, ...report } = await makeReport({
    documents: server.documents,
    passages,
    inFlight,
    killedPid: first.pid ?? 0,
  });
  const resumedAtMs = Ledger.read(ledgerPath).find((entry) => entry.pid === second.pid)?.atMs ?? finishedAtMs;
  say(`
documents indexed        ${report.indexed} of ${report.documents}
passages stored          ${report.passages}
passages stored twice    ${report.duplicatePassages}
steps run twice          ${report.repeatedSteps}, of the ${report.inFlightAtKill} that were under way
work went on after       ${seconds(resumedAtMs - killedAtMs)} (the dead process's lease lasts 3 s)
all done after           ${seconds(finishedAtMs - killedAtMs)}`);
  const query = 'tree shaking';
  say(`\nSearching for "${query}":`);
  for (const { document, passage } of await passages.search(query)) {
    say(`  ${document}\n      ${passage.replaceAll(/\s+/g, ' ').slice(0, 100)}…`);
  }
  const problems = problemsOf({ ...report, repeatedKeys }, inFlight);
  for (const problem of problems) console.error(`WRONG: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  if (isJson) console.log(JSON.stringify(report));
});
server.close();

async function startAfresh(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await withDatabase((database) => database.script(`drop schema if exists demo, ${schema} cascade`));
}

/** An embedded Postgres serves one process at a time, so this one opens it only while no worker runs. */
async function withDatabase<T>(work: (database: ReturnType<typeof openDatabase>) => Promise<T>): Promise<T> {
  const database = openDatabase();
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

function startWorker(killAfter: number | 'never'): ChildProcess {
  const script = fileURLToPath(new URL('./worker.ts', import.meta.url));
  const worker = fork(script, [server.url, String(killAfter)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  process.once('exit', () => worker.kill('SIGKILL'));
  let shown = 0;
  worker.on('message', ({ indexed }: { indexed: number }) => {
    const percent = Math.floor((100 * indexed) / server.documents);
    if (isJson || percent < shown + 10) return;
    shown = percent - (percent % 10);
    say(`  ${'#'.repeat(shown / 5).padEnd(20, '.')} ${String(shown).padStart(3)} %  ${indexed} documents`);
  });
  return worker;
}

async function ended(worker: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
  return { code, signal };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function fail(message: string): never {
  console.error(`WRONG: ${message}`);
  process.exit(1);
}
