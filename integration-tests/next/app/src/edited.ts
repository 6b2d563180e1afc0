import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { step, workflow } from '@perdure/core';
import { folder } from './shop';

// A test of hot reloading changes the number, again and again, and puts it back.
export const edited = workflow('edited', async (input: { readonly edit: number }) => ({
  text: await step.run('text', () => 'text 0'),
  noted: input.edit,
}));

/** Ends when there is a file named `long`. */
export const long = workflow('long', async () => {
  await step.run('wait', async () => {
    while (!existsSync(join(folder, 'long'))) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  return await step.run('text', () => 'text 0');
});
