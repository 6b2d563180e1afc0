import type { CheckedRun } from '@perdure/core';
import { meantStatuses } from '@perdure/core/internal';
import type { Command } from 'commander';
import { count } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import type { Access } from '../database/connection.js';
import { exitCodes } from '../failures/exit-codes.js';
import { importModules } from '../modules/user-modules.js';
import type { Terminal } from '../terminal/terminal.js';
import { counted, grouped, oneLine, wrap, wrapLines } from '../terminal/text.js';

interface CheckOptions extends CommonOptions {
  readonly adopt?: true;
  readonly limit: number;
}

/** What a build is to the runs that are under way. */
interface Verdicts {
  checked: number;
  compatible: number;
  diverges: number;
  needsOldCode: number;
  adopted: number;
  /** Those that it cannot go on with, as far as they are named. */
  readonly runs: CheckedRun[];
}

export function addCheck(program: Command, cli: Cli): void {
  addCommand(program, 'check <modules...>', 'replay the runs under way with the workflows of a new build')
    .option('--adopt', 'hand those that it can go on with, and that nobody executes, over to it')
    .option('-l, --limit <number>', 'how many of the others are named at most', count, 100)
    .action(async (modules: readonly string[], options: CheckOptions) => {
      await importModules(modules);
      const verdicts = await cli.ask(options, (access) => check(access, cli, options));
      cli.answer(options, verdicts, () => words(cli.terminal, verdicts, options));
      if (verdicts.compatible < verdicts.checked) cli.exitCode = exitCodes.incompatible;
    });
}

async function check(access: Access, { terminal }: Cli, { adopt, limit }: CheckOptions): Promise<Verdicts> {
  const verdicts = { checked: 0, compatible: 0, diverges: 0, needsOldCode: 0, adopted: 0, runs: [] as CheckedRun[] };
  const unfinished = await access.runs.count({ status: meantStatuses.cancel });
  const progress = terminal.progress('checked', unfinished[0]?.count ?? 0);
  for await (const run of access.check(adopt === true ? { adopt: 'compatible' } : {})) {
    verdicts.checked += 1;
    if (run.verdict === 'compatible') verdicts.compatible += 1;
    else if (run.verdict === 'diverges') verdicts.diverges += 1;
    else verdicts.needsOldCode += 1;
    if (run.isAdopted) verdicts.adopted += 1;
    if (run.verdict !== 'compatible' && verdicts.runs.length < limit) verdicts.runs.push(run);
    progress.to(verdicts.checked);
  }
  progress.end();
  return verdicts;
}

function words(terminal: Terminal, verdicts: Verdicts, { adopt }: CheckOptions): string[] {
  const { checked, compatible, diverges, needsOldCode, adopted, runs } = verdicts;
  const rest = diverges + needsOldCode - runs.length;
  return [
    ...runs.flatMap((run) => runLines(terminal, run)),
    ...remediesFor(terminal, runs),
    ...(rest > 0 ? [`… and ${counted(rest, 'other')}; --limit names more.`, ''] : []),
    `${counted(checked, 'unfinished run')}: ${grouped(compatible)} compatible, ${grouped(diverges)} diverging, ${grouped(needsOldCode)} in need of old code.`,
    ...(adopt === true ? [`${counted(adopted, 'run')} handed over to this build.`] : []),
    ...(compatible === checked
      ? [terminal.paint('green', 'This build can go on with all of them.')]
      : wrap(
          'This build cannot go on with all of them. Let the old code run until those have ended, or patch the new one.',
          terminal.textWidth,
        ).map((line) => terminal.paint('red', line))),
  ];
}

function runLines(terminal: Terminal, { workflowId, workflow, version, verdict, step, reason }: CheckedRun): string[] {
  const place = step === null ? '' : ` at step ${step}`;
  return [
    `${terminal.paint('bold', oneLine(workflowId))}  ${oneLine(workflow)} ${oneLine(version ?? '')}  ${terminal.paint('red', `${verdict}${place}`)}`,
    ...wrapLines(partsOf(reason).facts, terminal.textWidth, '  '),
    '',
  ];
}

/** The facts of a difference are the run's; what can be done about it is the same for all, and said once. */
function partsOf(reason: string | null): { readonly facts: string; readonly remedies: string } {
  const lines = (reason ?? '').split('\n');
  const end = lines.findIndex((line) => line.endsWith('causes and remedies:'));
  if (end < 0) return { facts: lines.join('\n'), remedies: '' };
  // What the first line says is in the run's own.
  return { facts: unindented(lines.slice(1, end)), remedies: unindented(lines.slice(end)) };
}

const unindented = (lines: readonly string[]): string => lines.map((line) => line.replace(/^ {2}/, '')).join('\n');

function remediesFor(terminal: Terminal, runs: readonly CheckedRun[]): string[] {
  const [first] = runs.map(({ reason }) => partsOf(reason).remedies).filter((remedies) => remedies !== '');
  return first === undefined ? [] : [...wrapLines(first, terminal.textWidth), ''];
}
