import { Cli, type CliSurroundings } from './cli.js';
import { reportFailure } from './failures/failure.js';
import { createProgram } from './program.js';

/** Carries one command line out. Answers with what the process ends with. */
export async function main(args: readonly string[], surroundings: CliSurroundings): Promise<number> {
  const cli = new Cli(surroundings);
  // All that is known of a command line that cannot be read.
  if (args.includes('--json')) cli.options = { json: true };
  try {
    await createProgram(cli, (words, engine) => main(words, { ...surroundings, engine })).parseAsync(args, {
      from: 'user',
    });
    return cli.exitCode;
  } catch (error) {
    const { json, debug } = cli.options;
    return reportFailure(error, cli.terminal, { json: json ?? false, debug: debug ?? false, secrets: cli.secrets });
  }
}
