import {
  type Attributes,
  type BatchObservableResult,
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  metrics as api,
  type Observable,
} from '@opentelemetry/api';
import { classify } from '../database/database-errors.js';
import { errorTypeOf } from '../errors/error-type.js';
import { bucketsS, type InstrumentName, instruments, type NamesOf } from './instruments.js';
import { type Metrics, noMetrics, type ObservedEngine, type Vitals } from './metrics.js';

/**
 * Metrics through the API of OpenTelemetry, for the meter provider that is registered by now. Where none is, nobody counts,
 * and nothing is computed for it.
 */
export function openTelemetryMetrics(): Metrics {
  const meter = api.getMeter('@perdure/core');
  return meter === createNoopMeter() ? noMetrics : metricsOn(meter);
}

function metricsOn(meter: Meter): Metrics {
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
      stops.push(observe(meter, engine));
      return () => stops.forEach((stop) => stop());
    },
  };
}

const names = {
  workflow: 'perdure.workflow.name',
  step: 'perdure.step.name',
  queue: 'perdure.queue.name',
  queueState: 'perdure.queue.state',
  outcome: 'perdure.outcome',
  reason: 'perdure.recovery.reason',
  pool: 'db.client.connection.pool.name',
  connectionState: 'db.client.connection.state',
} as const;

const typeOf = (failure: (() => unknown) | null): Attributes =>
  failure === null ? {} : { 'error.type': errorTypeOf(failure) };

function describeDatabaseError(error: unknown): Attributes {
  const code = (error as { code?: unknown } | null)?.code;
  const isSqlState = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);
  return { 'error.type': classify(error), ...(isSqlState ? { 'db.response.status_code': code } : {}) };
}

const settingsOf = (name: InstrumentName): { unit: string; description: string } => {
  const { unit, description } = instruments[name];
  return { unit, description };
};

function countersOf(meter: Meter): (name: NamesOf<'counter'>, count: number, attributes: Attributes) => void {
  const counters = new Map<InstrumentName, Counter>();
  for (const name of namesOf('counter')) counters.set(name, meter.createCounter(name, settingsOf(name)));
  return (name, count, attributes) => counters.get(name)?.add(count, attributes);
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
  return (name, timeMs, attributes) => histograms.get(name)?.record(Math.max(0, timeMs) / 1_000, attributes);
}

const namesOf = (kind: string): InstrumentName[] =>
  (Object.keys(instruments) as InstrumentName[]).filter((name) => instruments[name].kind === kind);

function observe(meter: Meter, engine: ObservedEngine): () => void {
  const gauge = (name: NamesOf<'gauge'>): Observable => meter.createObservableGauge(name, settingsOf(name));
  const upDown = (name: NamesOf<'up-down'>): Observable => meter.createObservableUpDownCounter(name, settingsOf(name));
  const active = upDown('perdure.workflow.active');
  const connections = upDown('db.client.connection.count');
  const depth = gauge('perdure.queue.depth');
  const age = gauge('perdure.queue.age');
  const blocked = gauge('perdure.blocked');
  const snapshotAge = gauge('perdure.db.oldest_snapshot_age');
  const here = (result: BatchObservableResult): void => {
    for (const [workflow, runs] of engine.active()) result.observe(active, runs, { [names.workflow]: workflow });
    for (const { name, counts: read } of engine.pools) {
      const counts = read();
      if (counts === null) continue;
      for (const state of ['used', 'idle'] as const) {
        result.observe(connections, counts[state], { [names.pool]: name, [names.connectionState]: state });
      }
    }
  };
  const inDatabase = async (result: BatchObservableResult): Promise<void> => {
    const vitals = await engine.vitals();
    if (vitals !== null) observeVitals(vitals, result);
  };
  const observeVitals = (
    { queues, blocked: byWorkflow, oldestSnapshotAgeMs }: Vitals,
    result: BatchObservableResult,
  ) => {
    for (const { queue, state, depth: runs, ageMs } of queues) {
      result.observe(depth, runs, { [names.queue]: queue, [names.queueState]: state });
      if (ageMs !== null) result.observe(age, ageMs / 1_000, { [names.queue]: queue });
    }
    for (const [workflow, runs] of byWorkflow) result.observe(blocked, runs, { [names.workflow]: workflow });
    result.observe(snapshotAge, oldestSnapshotAgeMs / 1_000);
  };
  const ofHere = [active, connections];
  const ofDatabase = [depth, age, blocked, snapshotAge];
  meter.addBatchObservableCallback(here, ofHere);
  meter.addBatchObservableCallback(inDatabase, ofDatabase);
  return () => {
    meter.removeBatchObservableCallback(here, ofHere);
    meter.removeBatchObservableCallback(inDatabase, ofDatabase);
  };
}
