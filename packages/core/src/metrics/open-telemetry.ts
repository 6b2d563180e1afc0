import {
  type Attributes,
  type Counter,
  createNoopMeter,
  diag,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics as api,
} from '@opentelemetry/api';
import { classify } from '../database/database-errors.js';
import { errorTypeOf } from '../errors/error-type.js';
import { bucketsS, type InstrumentName, instruments, names, type NamesOf, settingsOf } from './instruments.js';
import { type Metrics, noMetrics } from './metrics.js';
import { observe } from './observation.js';

/**
 * Metrics through the API of OpenTelemetry, for the meter provider that is registered by now. Where none is, nobody counts,
 * and nothing is computed for it.
 */
export function openTelemetryMetrics(): Metrics {
  const provider = api.getMeterProvider();
  const meter = provider.getMeter('@perdure/core');
  return meter === createNoopMeter() ? noMetrics : metricsOn(meter, provider);
}

function metricsOn(meter: Meter, provider: MeterProvider): Metrics {
  const add = countersOf(meter);
  const record = histogramsOf(meter);
  return {
    isOn: true,
    started: (workflow) => add('perdure.workflow.started', 1, { [names.workflow]: workflow }),
    ended: (workflow, outcome, durationMs, failure) =>
      record('perdure.workflow.duration', durationMs, {
        [names.workflow]: workflow,
        [names.outcome]: outcome,
        ...typeOf(failure),
      }),
    waitedInQueue: (workflow, queue, waitedMs) =>
      record('perdure.queue.wait', waitedMs, { [names.queue]: queue, [names.workflow]: workflow }),
    stepTried: (workflow, step, durationMs, failure) =>
      record('perdure.step.duration', durationMs, {
        [names.workflow]: workflow,
        [names.step]: step,
        [names.outcome]: failure === null ? 'completed' : 'failed',
        ...typeOf(failure),
      }),
    stepRetried: (workflow, step) => add('perdure.step.retries', 1, { [names.workflow]: workflow, [names.step]: step }),
    committed: (durationMs) => record('perdure.checkpoint.duration', durationMs, {}),
    freed: (workflow, reason, runs) =>
      add('perdure.recovery.workflows', runs, { [names.workflow]: workflow, [names.reason]: reason }),
    foundDead: (sinceHeartbeatMs) => record('perdure.recovery.delay', sinceHeartbeatMs, {}),
    gaveUp: (workflow, runs) => add('perdure.dead', runs, { [names.workflow]: workflow }),
    replayed: (workflow, durationMs) => record('perdure.replay.duration', durationMs, { [names.workflow]: workflow }),
    woke: (lagMs) => record('perdure.timer.lag', lagMs, {}),
    heartbeat: (delayMs) => record('perdure.heartbeat.delay', delayMs, {}),
    fenced: (writes) => add('perdure.fenced_writes', writes, {}),
    databaseFailed: (error) => add('perdure.db.errors', 1, describeDatabaseError(error)),
    observe(engine) {
      const stops = engine.pools.map(({ name, onTaken }) =>
        onTaken((waitedMs) => record('db.client.connection.wait_time', waitedMs, { [names.pool]: name })),
      );
      stops.push(observe(meter, provider, engine));
      return () => stops.forEach((stop) => stop());
    },
  };
}

const typeOf = (failure: (() => unknown) | null): Attributes =>
  failure === null ? {} : { 'error.type': errorTypeOf(failure) };

function describeDatabaseError(error: unknown): Attributes {
  const code = (error as { code?: unknown } | null)?.code;
  const isSqlState = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);
  return { 'error.type': classify(error), ...(isSqlState ? { 'db.response.status_code': code } : {}) };
}

function countersOf(meter: Meter): (name: NamesOf<'counter'>, count: number, attributes: Attributes) => void {
  const counters = new Map<InstrumentName, Counter>();
  for (const name of namesOf('counter')) counters.set(name, meter.createCounter(name, settingsOf(name)));
  return (name, count, attributes) => safely(() => counters.get(name)?.add(count, attributes));
}

/** In seconds, as all times of OpenTelemetry; clocks that disagree must not make one negative. */
function histogramsOf(
  meter: Meter,
): (name: NamesOf<'times' | 'lasting times'>, timeMs: number, attributes: Attributes) => void {
  const histograms = new Map<InstrumentName, Histogram>();
  for (const kind of ['times', 'lasting times'] as const) {
    const advice = { explicitBucketBoundaries: [...bucketsS[kind]] };
    for (const name of namesOf(kind)) {
      histograms.set(name, meter.createHistogram(name, { ...settingsOf(name), advice }));
    }
  }
  return (name, timeMs, attributes) =>
    safely(() => histograms.get(name)?.record(Math.max(0, timeMs) / 1_000, attributes));
}

/** The views of a meter provider are an application's own code; whether a run succeeds does not depend on who counts. */
function safely(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    diag.error('A metric of @perdure/core could not be told', error);
  }
}

const namesOf = (kind: string): InstrumentName[] =>
  (Object.keys(instruments) as InstrumentName[]).filter((name) => instruments[name].kind === kind);
