import type { WorkflowOptions } from '@perdure/core';

type Schema = NonNullable<WorkflowOptions['input']>;

/** A Standard Schema as a library would make it, which answers later: text, in upper case. */
export const upperCase: Schema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) =>
      typeof value === 'string' ? { value: value.toUpperCase() } : { issues: [{ message: 'no text' }] },
  },
};

/** One that answers at once: text, without space around it. */
export const trimmed: Schema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'string' ? { value: value.trim() } : { issues: [{ message: 'no text' }] }),
  },
};
