import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Imported, Redaction, RunArchive, RunFilter } from '@perdure/core';
import { isNarrow } from '@perdure/core/internal';
import type { Command } from 'commander';
import { addFilterOptions, type FilterOptions, filterOf } from '../arguments/filter-options.js';
import { count, listed } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import type { Access } from '../database/connection.js';
import { exitCodes } from '../failures/exit-codes.js';
import { UsageError } from '../failures/usage-error.js';
import { listRuns } from '../runs.js';
import type { Terminal } from '../terminal/terminal.js';
import { counted, oneLine } from '../terminal/text.js';

interface ExportOptions extends CommonOptions, FilterOptions {
  readonly output?: string;
  readonly redact?: readonly string[];
  readonly children: boolean;
  readonly limit: number;
}

export function addExport(program: Command, cli: Cli): void {
  addFilterOptions(addCommand(program, 'export [ids...]', 'write runs with their histories and children, as JSON'))
    .option('-o, --output <file>', 'where to (stdout)')
    .option(
      '--redact <names>',
      "leave out the members of these names, with commas between them, or 'all' values; whoever has the archive of an " +
        'unfinished run can complete its tokens even so',
      listed,
    )
    .option('--no-children', 'without the runs that they have started')
    .option('-l, --limit <number>', 'how many at most, of those that options choose', count, 1_000)
    .action(async (ids: readonly string[], options: ExportOptions) => {
      const archive = await cli.ask(options, (access) => exportRuns(access, cli, ids, options));
      const { output } = options;
      if (output === undefined) {
        cli.terminal.print(JSON.stringify(archive));
        return;
      }
      await writePrivately(output, `${JSON.stringify(archive)}\n`);
      const workflowIds = archive.runs.map(({ run }) => run.workflow_id);
      cli.answer(options, { output, workflowIds }, () => [
        `${counted(workflowIds.length, 'run')} written to ${output}.`,
      ]);
    });
}

export function addImport(program: Command, cli: Cli): void {
  addCommand(
    program,
    'import <files...>',
    "take runs in that were exported ('-': from stdin); nothing is executed",
  ).action(async (files: readonly string[], options: CommonOptions) => {
    const archives = await Promise.all(files.map(readArchive));
    const imported = await cli.ask(options, (access) => importRuns(access, cli, archives));
    const { existing } = imported;
    cli.answer(options, imported, () => [
      `${counted(imported.imported.length, 'run')} imported.`,
      ...(existing.length === 0
        ? []
        : [`Left alone, as their ids are taken here: ${existing.map(oneLine).join(', ')}`]),
    ]);
    if (existing.length > 0) cli.exitCode = exitCodes.unchanged;
  });
}

/** What runs were given and have returned is for whoever asked for it, also where there was a file that others can read. */
async function writePrivately(path: string, content: string): Promise<void> {
  // What is there stays until it is known that this may replace it.
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    // A pipe or a device is the reader's.
    if ((await file.stat()).isFile()) {
      await file.chmod(0o600);
      await file.truncate();
    }
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

async function exportRuns(
  access: Access,
  { terminal }: Cli,
  given: readonly string[],
  { children, redact: names, limit, ...options }: ExportOptions,
): Promise<RunArchive> {
  const filter = filterOf(options);
  if (given.length > 0 === isNarrow(filter)) {
    throw new UsageError('Which runs? Give either their ids, or options such as --name.');
  }
  const redact: Redaction | undefined = names?.includes('all') === true ? 'all' : names;
  const ids = given.length > 0 ? given : await idsOf(access, terminal, filter, limit);
  const progress = terminal.progress('exported', ids.length);
  const found = new Map<string, RunArchive['runs'][number]>();
  for (const id of ids) {
    // A child that is meant itself, too, is in the archive once.
    const archive = await access.runs.export(id, { children, ...(redact !== undefined && { redact }) });
    for (const run of archive.runs) found.set(run.run.workflow_id, run);
    progress.add(1);
  }
  progress.end();
  return { format: 'perdure-runs', formatVersion: 1, runs: [...found.values()] };
}

async function idsOf(access: Access, terminal: Terminal, filter: RunFilter, limit: number): Promise<string[]> {
  const { runs, next } = await listRuns(access, terminal, filter, { limit });
  if (next !== null) terminal.note(`There are more than ${counted(limit, 'run')}: raise --limit to have them, too.`);
  return runs.map(({ workflowId }) => workflowId);
}

async function readArchive(file: string): Promise<RunArchive> {
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8').catch(throwUsage);
  try {
    return JSON.parse(content) as RunArchive;
  } catch (cause) {
    throw new UsageError(`${file} is no JSON. Give what perdure export has written.`, { cause });
  }
}

function throwUsage(error: Error): never {
  throw new UsageError(error.message, { cause: error });
}

async function importRuns({ runs }: Access, { terminal }: Cli, archives: readonly RunArchive[]): Promise<Imported> {
  const [imported, existing]: [string[], string[]] = [[], []];
  const progress = terminal.progress(
    'imported',
    archives.reduce((sum, { runs: all }) => sum + (all?.length ?? 0), 0),
  );
  for (const archive of archives) {
    for (const part of parts(archive)) {
      const done = await runs.import(part);
      imported.push(...done.imported);
      existing.push(...done.existing);
      progress.add(part.runs?.length ?? 0);
    }
  }
  progress.end();
  return { imported, existing };
}

const partSize = 50;

/** An archive in pieces that take moments each; what is none is left to be refused. */
function* parts(archive: RunArchive): Generator<RunArchive> {
  if (!Array.isArray(archive?.runs) || archive.runs.length === 0) yield archive;
  else
    for (let first = 0; first < archive.runs.length; first += partSize) {
      yield { ...archive, runs: archive.runs.slice(first, first + partSize) };
    }
}
