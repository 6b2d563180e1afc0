import { step } from '@perdure/core';
import { scenariosNotedBy } from '../../support/scenarios.js';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import { interruptions } from './interruptions.js';
import { collected } from './metrics.js';
import { owners } from './owners.js';
import type { Instruments } from './stage.js';
import { management } from './management.js';
import { messages } from './messages.js';
import { parking } from './parking.js';
import { schedules } from './schedules.js';
import { queues } from './queues.js';
import { streams } from './streams.js';
import { traced } from './tracing.js';
import { transactions } from './transactions.js';
import { versions } from './versions.js';

/** Everything that is tried at each of its statements. */
export function crashScenarios(instruments: Instruments): CrashScenario[] {
  const { noted, define } = instruments;
  const first = define('first', async () => await step.run('begin', () => noted(() => 'begun')));
  const patterns = scenariosNotedBy(noted, define).map(({ name, definitions, expected }) =>
    crashScenario({ name, workflows: () => definitions, expected: { value: expected }, itemsPerFlush: 1 }),
  );
  return [
    crashScenario({
      name: 'first launch',
      workflows: () => [first],
      expected: { value: 'begun' },
      isFirstLaunch: true,
    }),
    ...patterns,
    ...interruptions(instruments),
    ...owners(instruments),
    ...messages(instruments),
    ...parking(instruments),
    ...streams(instruments),
    ...queues(instruments),
    ...schedules(instruments),
    ...collected(instruments),
    ...traced(instruments),
    ...transactions(instruments),
    ...versions(instruments),
    ...management(instruments),
  ];
}
