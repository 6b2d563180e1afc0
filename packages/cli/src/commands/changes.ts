import type { ChangeOptions, RunChanges, RunChoice, RunFilter } from '@perdure/core';
import { type ChangeVerb, meantStatuses } from '@perdure/core/internal';
import type { Command } from 'commander';
import { addFilterOptions, type FilterOptions, filterOf } from '../arguments/filter-options.js';
import { count } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import type { Access } from '../database/connection.js';
import { exitCodes } from '../failures/exit-codes.js';
import { chooseRuns, type ChoiceOptions } from '../run-choice.js';
import { counted, oneLine, wrap } from '../terminal/text.js';

interface ChangesOptions extends CommonOptions, FilterOptions, ChoiceOptions {
  readonly children: boolean;
}

interface Verb {
  readonly name: ChangeVerb;
  readonly done: string;
  readonly description: string;
}

const verbs: readonly Verb[] = [
  { name: 'cancel', done: 'cancelled', description: 'ask runs and their children to stop' },
  {
    name: 'resume',
    done: 'resumed',
    description: 'let runs go on where they were that were cancelled, dead, late, blocked or delayed',
  },
  { name: 'restart', done: 'restarted', description: 'let runs that failed begin again, with all of their steps' },
  { name: 'delete', done: 'deleted', description: 'delete runs that have ended, with their histories' },
];

/** So many of the runs that were left alone are named for each reason. */
const unchangedMax = 20;

export function addChanges(program: Command, cli: Cli): void {
  for (const verb of verbs) {
    const command = addFilterOptions(addCommand(program, `${verb.name} [ids...]`, verb.description))
      .option('-l, --limit <number>', 'how many at most, of those that options choose', count, 1_000)
      .option('-y, --yes', 'do not ask before many are changed')
      .option('--dry-run', 'only say how many it would be about');
    if (verb.name === 'delete') command.option('--no-children', 'leave the runs that they have started');
    command.action(async (ids: readonly string[], options: ChangesOptions) => {
      await cli.ask(options, (access) => change(access, cli, verb, ids, options));
    });
  }
}

async function change(
  access: Access,
  cli: Cli,
  { name, done }: Verb,
  ids: readonly string[],
  options: ChangesOptions,
): Promise<void> {
  const meant: RunFilter = { status: meantStatuses[name] };
  const chosen = await chooseRuns(access, cli, { verb: name, ids, filter: filterOf(options), meant, options });
  if (chosen === null) return;
  const { choice, total } = chosen;
  const progress = cli.terminal.progress(done, total);
  const changeOptions = { limit: options.limit, onProgress: (so: number) => progress.to(so) };
  const changes = await carryOut(access, name, choice, { ...changeOptions, children: options.children });
  progress.end();
  const { changed, unchanged } = changes;
  cli.answer(options, changes, () => [
    `${counted(changed.length, 'run')} ${done}.`,
    ...(unchanged.length === 0 ? [] : ['', ...unchangedLines(cli, unchanged)]),
  ]);
  if (ids.length > 0 && unchanged.length > 0) cli.exitCode = exitCodes.unchanged;
}

async function carryOut(
  { runs }: Access,
  verb: ChangeVerb,
  choice: RunChoice,
  options: ChangeOptions & { readonly children: boolean },
): Promise<RunChanges> {
  const { children, ...others } = options;
  switch (verb) {
    case 'cancel':
      return await runs.cancel(choice, others);
    case 'resume':
      return await runs.resume(choice, others);
    case 'restart':
      return await runs.restart(choice, others);
    case 'delete':
      return await runs.delete(choice, { ...others, children });
  }
}

/** By what hinders them, in full: it says what to do. */
function unchangedLines({ terminal }: Cli, unchanged: RunChanges['unchanged']): string[] {
  const byReason = new Map<string, string[]>();
  for (const { workflowId, why } of unchanged) byReason.set(why, [...(byReason.get(why) ?? []), oneLine(workflowId)]);
  const { textWidth } = terminal;
  return [...byReason].flatMap(([why, ids]) => {
    const rest = ids.length - unchangedMax;
    const named = `${ids.slice(0, unchangedMax).join(', ')}${rest > 0 ? ` and ${counted(rest, 'other')}` : ''}`;
    return [
      ...wrap(`${counted(ids.length, 'run')} left alone: ${oneLine(why)}`, textWidth),
      ...wrap(named, textWidth, '  '),
    ];
  });
}
