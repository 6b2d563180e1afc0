import { type Argument, type Option, type RootCommand, ShellCompDirective } from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import type { Terminal } from './terminal/terminal.js';

/** What names files and folders, which the shell knows best itself. */
const fileArguments = new Set(['modules', 'files']);
const fileOptions = new Set(['folder', 'output']);

/** Lets shells complete commands, options and their values, and names of files where those are meant. */
export function addCompletion(program: Command, terminal: Terminal): void {
  const completion = tab(program, { completionCommandName: 'completion' });
  completeFilesInBash(completion, terminal);
  let areFiles = false;
  const files = (): void => void (areFiles = true);
  // It is set in any case to what keeps the shell from completing files.
  Object.defineProperty(completion, 'directive', {
    configurable: true,
    get: () =>
      areFiles ? ShellCompDirective.ShellCompDirectiveDefault : ShellCompDirective.ShellCompDirectiveNoFileComp,
    set: () => {},
  });
  const about = 'print the script that lets a shell complete commands and options';
  program.commands.find((command) => command.name() === 'completion')?.description(about);
  const own = completion.commands.get('completion');
  if (own !== undefined) own.description = about;
  for (const command of completion.commands.values()) {
    for (const argument of command.arguments.values()) {
      if (fileArguments.has(argument.name)) argument.handler = files;
      else describe(argument, command.description);
    }
    for (const option of command.options.values()) {
      if (fileOptions.has(option.value)) option.handler = files;
      else describe(option, option.description);
    }
  }
  completeHelp(completion);
}

/** Its script says when not to complete files, and never that it may. */
function completeFilesInBash(completion: RootCommand, terminal: Terminal): void {
  const setup = completion.setup.bind(completion);
  completion.setup = (name, executable, shell) => {
    setup(name, executable, shell);
    if (shell === 'bash') terminal.print(`complete -o default -F __${name}_complete ${name}`);
  };
}

/** Lets each value say what it is for: zsh takes one that says nothing for two. */
function describe(place: Argument | Option, description: string): void {
  const { handler } = place;
  if (handler === undefined) return;
  place.handler = (complete, options) => {
    Reflect.apply(handler, place, [(value: string) => complete(value, description), options]);
  };
}

/** What there is help about are the commands. */
function completeHelp({ commands }: RootCommand): void {
  const about = commands.get('help')?.arguments.get('command');
  if (about === undefined) return;
  about.handler = (complete) => {
    for (const [name, { description }] of commands) if (/^[^ ]+$/.test(name)) complete(name, description);
  };
}
