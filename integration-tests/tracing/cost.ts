/**
 * `npm run bench:tracing`: what tracing costs a run and a step in processor time, without an SDK and with one that records and
 * exports nothing. Read the ratios; a step's commit takes a hundred microseconds and more.
 */
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { firstClaim } from '../../packages/core/src/engine/first-claim.js';
import { SystemClock } from '../../packages/core/src/seams/system-clock.js';
import { Tracing } from '../../packages/core/src/tracing/tracing.js';
import { resolveTracing } from '../../packages/core/src/tracing/tracing-options.js';

const run = firstClaim(
  {
    workflowId: 'w',
    name: 'work',
    version: '1',
    input: null,
    parentId: null,
    detached: false,
    seed: 's',
    createdAt: 0,
    deadlineAt: null,
    context: null,
    fingerprint: null,
    trace: null,
    attributes: null,
  },
  1,
);

const [runs, stepsPerRun] = [20_000, 10];

function measure(what: string): void {
  const tracing = new Tracing(resolveTracing({}), new SystemClock(), console);
  const once = (count: number): number => {
    const since = performance.now();
    for (let no = 0; no < count; no += 1) {
      const start = tracing.start(tracing.capture('handle', null), run, null);
      start?.started({ isNew: true });
      const traced = tracing.run(run, [], 'executor', () => false);
      for (let step = 0; step < stepsPerRun; step += 1) {
        const span = traced?.stepTry({ seq: step, name: 'step' }, 1, 0) ?? null;
        span?.over(null);
        span?.recorded();
      }
      traced?.end('completed', null);
    }
    return performance.now() - since;
  };
  once(runs / 10);
  const tookMs = Math.min(once(runs), once(runs), once(runs));
  const perStep = (tookMs * 1_000_000) / (runs * stepsPerRun);
  process.stdout.write(`${what}: ${perStep.toFixed(0)} ns for each step, its share of the run included\n`);
}

measure('no SDK');
trace.setGlobalTracerProvider(new BasicTracerProvider());
measure('an SDK that records');
