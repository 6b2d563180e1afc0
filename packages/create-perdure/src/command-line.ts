import { parseArgs } from 'node:util';
import { isTemplateName, type TemplateName, templates } from './templates.js';

/** What the command line says; undefined is still to be asked. */
export interface Wishes {
  readonly folder: string | undefined;
  readonly template: TemplateName | undefined;
  readonly installs: boolean | undefined;
}

/** A command line that does not hold; the message says why. */
export class UsageError extends Error {}

const names = templates.map(({ name }) => name).join(', ');

export const help = `Usage: npm create perdure@latest [folder] -- [options]

Makes an application with a durable workflow in a new folder.

  --template <name>   ${names}
  --install           installs the dependencies
  --no-install        leaves that to you
  --help

What is not said is asked for. Without a terminal, the folder and the template have to be said, and dependencies are installed
with --install.
`;

/** @returns null for a call for help */
export function parseCommandLine(args: readonly string[]): Wishes | null {
  const { values, positionals } = parsed(args);
  if (values.help === true) return null;
  if (positionals.length > 1) throw new UsageError(`One folder at most, not ${positionals.length}.`);
  const { template, install } = values;
  if (template !== undefined && !isTemplateName(template)) {
    throw new UsageError(`There is no template "${template}". There are ${names}.`);
  }
  return { folder: positionals[0], template, installs: install };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      allowNegative: true,
      options: {
        template: { type: 'string', short: 't' },
        install: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
