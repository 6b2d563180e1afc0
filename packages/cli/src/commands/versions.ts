import type { StrandedRuns, VersionInfo } from '@perdure/core';
import type { Command } from 'commander';
import { withoutUndefined } from '../arguments/filter-options.js';
import { addCommand, addGroup, type Cli, type CommonOptions } from '../cli.js';
import { type Column, table } from '../terminal/table.js';
import { grouped, oneLine, wrap } from '../terminal/text.js';
import { ageText } from '../terminal/times.js';

/** Beyond so many they are not counted. */
const countedMax = 10_000;

export function addVersions(program: Command, cli: Cli): void {
  const versions = addGroup(program, 'versions', 'see versions of workflows, and which takes new work');

  addCommand(versions, 'list [workflow]', 'list versions, the newest first', { isDefault: true }).action(
    async (workflow: string | undefined, options: CommonOptions) => {
      const found = await cli.ask(options, (access) => access.versions.list(withoutUndefined({ workflow })));
      cli.answer(options, found, () =>
        found.length === 0
          ? ['There are no versions yet: a process says which it has when it starts.']
          : table(cli.terminal, columns(Date.now()), found),
      );
    },
  );

  addCommand(versions, 'promote <workflow> <version>', 'let a version take what is started by name from now on').action(
    async (workflow: string, version: string, options: CommonOptions) => {
      await cli.ask(options, (access) => access.versions.promote(workflow, version));
      cli.answer(options, { workflow, promoted: version }, () => promotedLines(cli, workflow, version));
    },
  );

  addCommand(versions, 'roll-back <workflow>', 'take the last promotion back').action(
    async (workflow: string, options: CommonOptions) => {
      const promoted = await cli.ask(options, (access) => access.versions.rollBack(workflow));
      cli.answer(options, { workflow, promoted }, () => promotedLines(cli, workflow, promoted));
    },
  );

  addCommand(versions, 'stranded', 'list the versions that runs wait for and no process has').action(
    async (options: CommonOptions) => {
      const found = await cli.ask(options, (access) => access.versions.stranded());
      cli.answer(options, found, () =>
        found.length === 0 ? ['No run is stranded.'] : table(cli.terminal, strandedColumns, found),
      );
    },
  );
}

const promotedLines = ({ terminal }: Cli, workflow: string, version: string | null): string[] =>
  wrap(
    version === null
      ? `No version of "${oneLine(workflow)}" is promoted: each process takes new work as the version that it has.`
      : `Version "${oneLine(version)}" of "${oneLine(workflow)}" takes new work.`,
    terminal.textWidth,
  );

const many = (runs: number): string => `${grouped(runs)}${runs >= countedMax ? '+' : ''}`;

const columns = (now: number): Column<VersionInfo>[] => [
  { title: 'WORKFLOW', of: ({ workflow }) => workflow, isKey: true },
  { title: 'VERSION', of: ({ version }) => version, isKey: true },
  {
    title: 'NEW WORK',
    of: ({ isPromoted }) => (isPromoted ? 'promoted' : ''),
    colour: () => 'green',
    isOptional: true,
  },
  { title: 'PROCESSES', of: ({ executors }) => grouped(executors), align: 'right' },
  { title: 'RUNNING', of: ({ running }) => grouped(running), align: 'right' },
  { title: 'WAITING', of: ({ waiting }) => many(waiting), align: 'right' },
  { title: 'SEEN', of: ({ firstSeenAt }) => ageText(now - firstSeenAt), align: 'right', isOptional: true },
];

const strandedColumns: readonly Column<StrandedRuns>[] = [
  { title: 'WORKFLOW', of: ({ workflow }) => workflow, isKey: true },
  { title: 'VERSION', of: ({ version }) => version ?? '(any)', isKey: true },
  { title: 'RUNS', of: ({ runs }) => many(runs), align: 'right' },
  { title: 'AMONG THEM', of: ({ workflowIds }) => workflowIds.join(', ') },
];
