import type { RunInfo, RunStatus } from '@perdure/core';
import type { Colour } from './terminal/terminal.js';

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
