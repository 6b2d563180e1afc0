import type { Command, CommandOptions } from 'commander';
import { type Access, type ConnectionOptions, existingPlace, secretsOf, withClient } from './database/connection.js';
import { exitCodes } from './failures/exit-codes.js';
import { UsageError } from './failures/usage-error.js';
import type { Terminal } from './terminal/terminal.js';
import { oneLine, shellWord } from './terminal/text.js';

/** What every command can be told. */
export interface CommonOptions extends ConnectionOptions {
  readonly json?: true;
  readonly debug?: true;
}

export interface CliSurroundings {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** An engine of this process, which commands ask instead of connecting; null = there is none. */
  readonly engine: Access | null;
}

export interface Agreement {
  /** The option, as it was given. */
  readonly yes: true | undefined;
  /** What else could be done, where nobody can be asked. */
  readonly instead?: string;
}

/** What commands do their work with. */
export class Cli {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly #engine: Access | null;
  /** What the process ends with, unless something goes wrong. */
  exitCode: number = exitCodes.done;
  /** Of the command that is carried out, as far as it could be read. */
  options: CommonOptions = {};

  constructor({ terminal, env, engine }: CliSurroundings) {
    this.terminal = terminal;
    this.env = env;
    this.#engine = engine;
  }

  /** Whether commands ask an engine of this process. */
  get isWithinEngine(): boolean {
    return this.#engine !== null;
  }

  /** What must not be printed. */
  get secrets(): readonly string[] {
    return [...secretsOf(this.options.databaseUrl), ...secretsOf(this.env['DATABASE_URL'])];
  }

  /** Does what a command does with a database. */
  async ask<T>(options: CommonOptions, work: (access: Access) => Promise<T>): Promise<T> {
    if (this.#engine !== null) return await work(this.#engine);
    return await withClient(existingPlace(options, this.env), options.schema, work);
  }

  /** The answer of a command: as JSON where that is asked for, and in words otherwise. */
  answer(options: CommonOptions, json: unknown, words: () => readonly string[]): void {
    if (options.json === true) this.terminal.printJson(json);
    else this.terminal.print(...words());
  }

  /** What was named, and not found, or not in a state for it, is no success. */
  expectAll(named: readonly string[], done: readonly string[]): void {
    const left = named.filter((id) => !done.includes(id));
    if (left.length === 0) return;
    this.terminal.note(`Left alone: ${left.map(oneLine).join(', ')}`);
    this.exitCode = exitCodes.unchanged;
  }

  /**
   * Whether somebody agrees to what a command is about to do, with `--yes` or when asked. Says so if not.
   *
   * @throws {UsageError} if nobody can be asked
   */
  async isAgreed(what: string, { yes, instead }: Agreement): Promise<boolean> {
    if (yes === true) return true;
    if (!this.terminal.isInteractive || this.isWithinEngine) {
      throw new UsageError(`${what} Say so with --yes${instead === undefined ? '' : `, or ${instead}`}.`);
    }
    const answer = await this.terminal.ask(`${what} [y/N] `);
    if (typeof answer === 'object' && /^y(es)?$/i.test(answer.line.trim())) return true;
    this.terminal.note('Nothing was done.');
    if (answer === 'interrupt') this.exitCode = exitCodes.interrupted;
    return false;
  }
}

/** A command to type next, on the same tables. */
export const nextCommand = (command: string, { schema }: CommonOptions): string =>
  schema === undefined ? command : `${command} --schema ${shellWord(schema)}`;

/** A command that others are under. */
export const addGroup = (program: Command, name: string, description: string): Command =>
  program.command(name).description(description);

/** A command with the options that all have. */
export function addCommand(parent: Command, usage: string, description: string, options: CommandOptions = {}): Command {
  return parent
    .command(usage, options)
    .description(description)
    .option('--database-url <url>', 'the Postgres of the engines (DATABASE_URL)')
    .option('--folder <path>', 'the folder of an embedded Postgres, which no other process uses (.perdure)')
    .option('--schema <name>', 'the schema of the tables (perdure)')
    .option('--json', 'answer with JSON')
    .option('--debug', 'with stacks where something goes wrong');
}
