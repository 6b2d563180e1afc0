import type { Perdure, PerdureClient, Workflow } from '@perdure/core';
import type { History } from './history.js';

/** One of the two databases. */
export interface Side {
  readonly perdure: Perdure;
  readonly client: PerdureClient;
  readonly workflow: Workflow<[number], number>;
  readonly history: History;
  close(): Promise<void>;
}

interface Deed {
  /** What has to be there; its time does not count. */
  readonly prepare?: (side: Side) => Promise<void>;
  readonly perform: (side: Side) => Promise<unknown>;
}

const prunedAtOnce = 500;

/** What is to cost the same in both. */
export const deeds: Readonly<Record<string, Deed>> = {
  'start and execute a run': {
    perform: async ({ perdure, workflow }) =>
      await workflow
        .with({ engine: perdure })
        .start(0)
        .then((run) => run.result()),
  },
  'start 100 runs at once': {
    perform: async ({ perdure, workflow }) =>
      await Promise.all(
        Array.from({ length: 100 }, async () => (await workflow.with({ engine: perdure }).start(0)).result()),
      ),
  },
  'claim a run that a client started': {
    perform: async ({ client }) => (await client.workflow('measured').start(0)).result(),
  },
  'claim 100 runs that a client started': {
    perform: async ({ client }) =>
      await Promise.all(Array.from({ length: 100 }, async () => (await client.workflow('measured').start(0)).result())),
  },
  'list the newest 100': { perform: ({ client }) => client.runs.list() },
  'list the 100 after them': {
    perform: async ({ client }) => {
      const { next } = await client.runs.list({}, { limit: 1 });
      await client.runs.list({}, next === null ? {} : { after: next });
    },
  },
  'list the newest 100 that failed': { perform: ({ client }) => client.runs.list({ status: 'failed' }) },
  'list those that have not ended': { perform: ({ client }) => client.runs.list({ status: ['running', 'enqueued'] }) },
  'list the newest 100 of a workflow': { perform: ({ client }) => client.runs.list({ name: 'measured' }) },
  'list by the beginning of an id': {
    perform: ({ client }) => client.runs.list({ idPrefix: 'template-1' }, { limit: 20 }),
  },
  'show a run and its steps': {
    perform: async ({ client }) => {
      await client.runs.get('template-1');
      await client.runs.steps('template-1');
    },
  },
  [`delete the oldest ${prunedAtOnce}`]: {
    prepare: async ({ history }) => await history.copy(prunedAtOnce),
    perform: async ({ client }) => {
      const { deleted } = await client.runs.prune([{ olderThan: '20d' }], { limit: prunedAtOnce });
      if (deleted !== prunedAtOnce) throw new Error(`${deleted} were deleted, not ${prunedAtOnce}`);
    },
  },
};
