import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import type { Cli, CommonOptions } from './cli.js';
import { addExport, addImport } from './commands/archives.js';
import { addChanges } from './commands/changes.js';
import { addCheck } from './commands/check.js';
import { addDev, type CarryOut } from './commands/dev.js';
import { addExplain } from './commands/explain.js';
import { addFork } from './commands/fork.js';
import { addList } from './commands/list.js';
import { addMigrate } from './commands/migrate.js';
import { addPrune } from './commands/prune.js';
import { addQueues } from './commands/queues.js';
import { addRedrive } from './commands/redrive.js';
import { addSchedules } from './commands/schedules.js';
import { addShow } from './commands/show.js';
import { addTrace } from './commands/trace.js';
import { addVersions } from './commands/versions.js';
import { addWorker } from './commands/worker.js';
import { addCompletion } from './completion.js';

const groups = [
  ['Runs:', [addList, addShow, addExplain, addTrace, addChanges, addFork, addPrune, addExport, addImport]],
  ['Queues, schedules, versions:', [addQueues, addRedrive, addSchedules, addVersions, addCheck]],
  ['Processes and tables:', [addDev, addWorker, addMigrate]],
] as const;

/** All commands, and how they are read. What doesn't hold is thrown. */
export function createProgram(cli: Cli, carryOut: CarryOut): Command {
  const program = new Command('perdure')
    .description('Finds, explains, changes and checks the durable runs of a database.')
    .version(manifest.version)
    // An option of a command may have the name of one of the program.
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ sortOptions: false })
    // Whoever parses reports what is thrown.
    .configureOutput({ outputError: () => {} })
    .hook('preAction', (_, command) => {
      cli.options = command.opts<CommonOptions>();
    });
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const add of commands) add(program, cli, carryOut);
  }
  program.commandsGroup('Shell:');
  const help = program.createCommand('help').argument('[command]').helpOption(false).helpGroup('Shell:');
  program.addHelpCommand(help.description('say what a command does'));
  addCompletion(program, cli.terminal);
  return program;
}
