import { intro, log, outro } from '@clack/prompts';
import { relative, resolve } from 'node:path';
import { help, parseCommandLine, UsageError } from './command-line.js';
import { nextSteps } from './next-steps.js';
import { install, packageManager } from './package-manager.js';
import { makeProject } from './project.js';
import { Abandoned, askFor, type Plan, planOf } from './questions.js';
import manifest from '../package.json' with { type: 'json' };

/** @returns what the process ends with: 0, 1 where installing failed, 2 where the command line does not hold, 130 after Ctrl-C */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const wishes = parseCommandLine(args);
    if (wishes === null) {
      process.stdout.write(help);
      return 0;
    }
    if (!process.stdin.isTTY) return await make(planOf(wishes));
    intro('Perdure');
    return await make(await askFor(wishes));
  } catch (error) {
    if (error instanceof Abandoned) return 130;
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

async function make({ folder, template, installs }: Plan): Promise<number> {
  const path = resolve(folder);
  await makeProject(path, template, manifest.version);
  log.success(`${template} in ${path}`);
  const manager = packageManager(process.env['npm_config_user_agent']);
  const isInstalled = installs && (await install(manager, path));
  const steps = nextSteps({ folder: relative(process.cwd(), path), manager, isInstalled });
  outro(`Next:\n\n   ${steps.join('\n   ')}\n\n   README.md says how to kill it.`);
  return installs && !isInstalled ? 1 : 0;
}
