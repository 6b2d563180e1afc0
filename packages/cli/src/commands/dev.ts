import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Perdure } from '@perdure/core';
import type { Command } from 'commander';
import { withoutUndefined } from '../arguments/filter-options.js';
import { wordsOf } from '../arguments/words.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import { defaultFolder, placeOf } from '../database/connection.js';
import { UsageError } from '../failures/usage-error.js';
import { importModules } from '../modules/user-modules.js';
import { untilAskedToStop } from '../until-asked-to-stop.js';
import { wrap } from '../terminal/text.js';

interface DevOptions extends CommonOptions {
  readonly watch: boolean;
}

/** Carries out a command line that somebody types while the engine works. */
export type CarryOut = (words: readonly string[], engine: Perdure) => Promise<unknown>;

export function addDev(program: Command, cli: Cli, carryOut: CarryOut): void {
  addCommand(program, 'dev [modules...]', 'execute workflows here, on an embedded Postgres if no other is given')
    .option('--no-watch', 'do not start again when a file changes')
    .action(async (modules: readonly string[], options: DevOptions) => {
      if (cli.isWithinEngine) throw new UsageError('perdure dev runs already, here.');
      if (options.watch) await watch(cli);
      else await develop(cli, modules, options, carryOut);
    });
}

/** Node knows which files a process has loaded, and starts it again when one of them changes. */
async function watch(cli: Cli): Promise<void> {
  const [, bin = '', command = '', ...args] = process.argv;
  const nodeArgs = ['--watch', '--watch-preserve-output', ...process.execArgv];
  const child = spawn(process.execPath, [...nodeArgs, bin, command, '--no-watch', ...args], { stdio: 'inherit' });
  // Ctrl-C goes to all processes of a terminal: this one waits for the others.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  await once(child, 'exit');
  cli.terminal.note('');
}

async function develop(cli: Cli, modules: readonly string[], options: DevOptions, carryOut: CarryOut): Promise<void> {
  const workflows = modules.length === 0 ? [] : await importModules(modules);
  const place = placeOf(options, cli.env) ?? { folder: defaultFolder };
  const stopped = untilAskedToStop();
  const perdure = await Perdure.launch({ ...place, ...withoutUndefined({ schema: options.schema }) });
  const where = 'folder' in place ? `the embedded Postgres in ${place.folder}` : 'the Postgres that was given';
  cli.answer(options, { executorId: perdure.executorId, workflows, embedded: 'folder' in place }, () => [
    ...wrap(
      `Executing ${workflows.length === 0 ? 'no workflows' : workflows.map((name) => `"${name}"`).join(', ')} on ${where}.`,
      cli.terminal.textWidth,
    ),
    'Type a command, such as list, show <id> or help. Ctrl-C ends it.',
  ]);
  const commands = createInterface({ input: process.stdin, terminal: false });
  let last: Promise<unknown> = Promise.resolve();
  commands.on('line', (line) => {
    const words = wordsOf(line);
    if (words.length > 0) last = last.then(() => carryOut(words, perdure));
  });
  await stopped;
  commands.close();
  await last;
  await perdure.shutdown({ drainMs: '1s' });
}
