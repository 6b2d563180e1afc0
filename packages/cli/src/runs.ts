import type { ListOptions, RunFilter, RunInfo, RunPage, RunStatus } from '@perdure/core';
import type { Access } from './database/connection.js';
import type { Colour, Terminal } from './terminal/terminal.js';

const colours: Readonly<Record<RunStatus, Colour | null>> = {
  enqueued: null,
  delayed: null,
  running: 'blue',
  blocked: 'yellow',
  completed: 'green',
  failed: 'red',
  cancelled: 'dim',
  dead: 'red',
};

export const statusColour = (status: RunStatus): Colour | null => colours[status];

/** What is known of a run, without what its carriers took along, which may be about people. */
export function runFacts({ context: _, ...run }: RunInfo): Omit<RunInfo, 'context'> {
  return run;
}

/** The database gives so many away at once. */
const pageMax = 1_000;

/** As many runs as are asked for, in pages. */
export async function listRuns(
  { runs }: Pick<Access, 'runs'>,
  terminal: Terminal,
  filter: RunFilter,
  { limit, after, order = 'newest' }: ListOptions & { readonly limit: number },
): Promise<RunPage> {
  const found: RunInfo[] = [];
  const progress = terminal.progress('found', limit);
  let next = after ?? null;
  do {
    const max = Math.min(pageMax, limit - found.length);
    const page: RunPage = await runs.list(filter, { limit: max, order, ...(next !== null && { after: next }) });
    found.push(...page.runs);
    next = page.next;
    progress.to(found.length);
  } while (next !== null && found.length < limit);
  progress.end();
  return { runs: found, next };
}
