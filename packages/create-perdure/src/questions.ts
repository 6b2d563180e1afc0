import { confirm, isCancel, select, text } from '@clack/prompts';
import { UsageError, type Wishes } from './command-line.js';
import { type TemplateName, templates } from './templates.js';

/** What is to be made. */
export interface Plan {
  readonly folder: string;
  readonly template: TemplateName;
  readonly installs: boolean;
}

/** Somebody has thought better of it. */
export class Abandoned extends Error {}

/** Asks for what the command line did not say. */
export async function askFor({ folder, template, installs }: Wishes): Promise<Plan> {
  return {
    folder: folder ?? answered(await text({ message: 'Which folder?', placeholder: 'shop', defaultValue: 'shop' })),
    template:
      template ??
      answered(
        await select<TemplateName>({
          message: 'Which framework?',
          options: templates.map(({ name, hint }) => ({ value: name, label: name, hint })),
        }),
      ),
    installs: installs ?? answered(await confirm({ message: 'Install the dependencies?' })),
  };
}

/** The plan where nobody can be asked. */
export function planOf({ folder, template, installs }: Wishes): Plan {
  if (folder !== undefined && template !== undefined) return { folder, template, installs: installs ?? false };
  throw new UsageError(
    'Without a terminal, say which folder and which template: npm create perdure@latest shop -- --template express',
  );
}

function answered<Answer>(answer: Answer): Exclude<Answer, symbol> {
  if (isCancel(answer)) throw new Abandoned();
  return answer as Exclude<Answer, symbol>;
}
