import type { RunChoice, RunFilter } from '@perdure/core';
import { isNarrow } from '@perdure/core/internal';
import type { Cli, CommonOptions } from './cli.js';
import type { Access } from './database/connection.js';
import { UsageError } from './failures/usage-error.js';
import { counted, grouped } from './terminal/text.js';

/** What a command is told that is about the runs that a filter finds. */
export interface ChoiceOptions {
  readonly limit: number;
  readonly yes?: true;
  readonly dryRun?: true;
}

interface Choosing {
  /** What is done to them. */
  readonly verb: string;
  readonly ids: readonly string[];
  readonly filter: RunFilter;
  /** What is added to a filter that does not say it. */
  readonly meant: RunFilter;
  readonly options: ChoiceOptions & CommonOptions;
}

/** The runs that something is to be done to: those that are named, or many that somebody has agreed to. */
export interface Chosen {
  readonly choice: RunChoice;
  readonly total: number;
}

/** Null: nothing is to be done. @throws {UsageError} */
export async function chooseRuns(
  { runs }: Access,
  cli: Cli,
  { verb, ids, filter, meant, options }: Choosing,
): Promise<Chosen | null> {
  const isFiltered = isNarrow(filter);
  if (ids.length > 0 && isFiltered) throw new UsageError('Give either ids or options that choose runs.');
  if (ids.length > 0) {
    if (options.dryRun !== true) return { choice: ids, total: ids.length };
    const named = new Set(ids).size;
    const found = await countOf(runs, { id: ids });
    cli.answer(options, { found, named }, () => [
      `It would be about ${counted(found, 'run')}${named > found ? ` of ${grouped(named)} that are named` : ''}.`,
    ]);
    return null;
  }
  if (!isFiltered) {
    throw new UsageError(
      `Which runs? Give their ids, or options such as --name; perdure ${verb} --help has all of them.`,
    );
  }
  const choice = { ...meant, ...filter };
  const found = await countOf(runs, choice);
  const total = Math.min(found, options.limit);
  if (options.dryRun === true) {
    cli.answer(options, { found, limit: options.limit }, () => [
      `It would be about ${counted(total, 'run')}${found > total ? ` of ${counted(found, 'run')}, by --limit` : ''}.`,
    ]);
    return null;
  }
  const agreement = { yes: options.yes, instead: 'see what it would be about with --dry-run' };
  if (total > 0 && !(await cli.isAgreed(`This is to ${verb} ${counted(total, 'run')}.`, agreement))) return null;
  if (found > total) cli.terminal.note(`${counted(found, 'run')} were found: repeat it for those beyond --limit.`);
  return { choice, total };
}

const countOf = async (runs: Access['runs'], filter: RunFilter): Promise<number> =>
  (await runs.count(filter))[0]?.count ?? 0;
