/**
 * Has a service index documents, kills it with SIGKILL when 40 % are done, starts it again, and counts. With `--json` the
 * report is one line of JSON, and nothing else is printed. `--documents 500` says how many.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Collector } from './collector.js';
import { countRows, createDatabase } from './database.js';
import { makeDocuments } from './documents.js';
import { serveDocuments } from './documents-server.js';
import { readTexts } from './library.js';
import { type Progress, Service, type ServiceCommand } from './service.js';

export { script } from './service.js';

const library = fileURLToPath(new URL('../../../../node_modules', import.meta.url));
const patienceMs = 120_000;

interface Demonstration {
  readonly name: string;
  readonly command: ServiceCommand;
  /** Whether the documents that a crash leaves behind are indexed after it. */
  readonly isDurable: boolean;
}

export async function demonstrate({ name, command, isDurable }: Demonstration): Promise<void> {
  const { values } = parseArgs({
    options: { documents: { type: 'string', default: '600' }, json: { type: 'boolean', default: false } },
  });
  const say = (text: string): void => void (values.json || console.log(text));

  const databaseUrl = await createDatabase(`document_rag_${name}`);
  const collector = new Collector();
  const env = { DATABASE_URL: databaseUrl, OTEL_EXPORTER_OTLP_ENDPOINT: await collector.listen() };
  const documents = Number(values.documents);
  const server = await serveDocuments(await makeDocuments(await readTexts(library, documents)), documents * 0.6);
  say(`Indexing ${documents} documents: PDF, HTML and Markdown.`);

  const first = await Service.start(command, env);
  const id = await first.index(server.urls);
  await until(first, id, ({ indexed }) => indexed >= documents * 0.4);
  await first.end('SIGKILL');
  server.release();
  const killedAt = Date.now();
  const atKill = await countRows(databaseUrl, id);
  say(`kill -9: ${atKill.indexed} documents are indexed. Starting the service again.`);

  const second = await Service.start(command, env);
  if (isDurable) {
    await until(second, id, ({ indexed, failed }) => indexed + failed === documents);
    await waitFor('the trace of the run', async () => collector.traceOf(id).isComplete);
  } else {
    // What it is asked for now, it does; what it was asked for before is forgotten.
    await until(second, await second.index(server.urls.slice(0, 1)), ({ indexed }) => indexed === 1);
  }
  const finishedMs = Date.now() - killedAt;
  const question = 'How are the options of a config file documented?';
  const { content, sources } = await second.chat(question);
  await second.end('SIGTERM');
  server.close();
  collector.close();

  const after = await countRows(databaseUrl, id);
  const { traces, spans, orphans } = collector.traceOf(id);
  const report = { documents, indexedAtKill: atKill.indexed, ...after, traces, orphans, sources: sources.length };
  say(`
documents indexed         ${after.indexed} of ${documents}, ${atKill.indexed} of them before the kill
indexed twice             ${after.indexedTwice}
passages stored           ${after.passages}
passages stored twice     ${after.passagesTwice}
traces of the run         ${traces}, of ${spans} spans, ${orphans} without their parents
from the kill to the end  ${(finishedMs / 1000).toFixed(1)} s

${question}
  ${content.replaceAll('\n', '\n  ')}
  ${sources.join('\n  ')}`);
  if (values.json) console.log(JSON.stringify(report));
  const isWhole = after.indexed === documents && traces === 1 && orphans === 0;
  if (isWhole !== isDurable || after.indexedTwice > 0 || after.passagesTwice > 0) process.exitCode = 1;
}

async function until(service: Service, id: string, isReached: (progress: Progress) => boolean): Promise<void> {
  await waitFor(`run ${id}`, async () => isReached(await service.progress(id)));
}

async function waitFor(what: string, isThere: () => Promise<boolean>): Promise<void> {
  const latest = Date.now() + patienceMs;
  while (!(await isThere())) {
    if (Date.now() > latest) throw new Error(`${what} has not got there in ${patienceMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
