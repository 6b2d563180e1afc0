import type { BatchObservableResult, Meter, MeterProvider, Observable } from '@opentelemetry/api';
import { processState } from '../workflow/process-state.js';
import { names, type NamesOf, settingsOf } from './instruments.js';
import type { ObservedEngine, Vitals } from './metrics.js';

/**
 * Answers from an engine whoever collects.
 *
 * @param provider where the meter comes from
 * @returns what ends it
 */
export function observe(meter: Meter, provider: MeterProvider, engine: ObservedEngine): () => void {
  const stops = [observeHere(meter, provider, engine), observeDatabase(meter, engine)];
  return () => stops.forEach((stop) => stop());
}

/**
 * Of what is told twice of one series, the last number stands. The engines of this process that count with one provider are
 * therefore told of together.
 */
function observeHere(meter: Meter, provider: MeterProvider, engine: ObservedEngine): () => void {
  const { observed } = processState();
  const known = observed.get(provider);
  const engines = known ?? new Set();
  engines.add(engine);
  if (known === undefined) {
    observed.set(provider, engines);
    tellOf(meter, engines);
  }
  return () => void engines.delete(engine);
}

/** For as long as the provider lives: engines come and go. */
function tellOf(meter: Meter, engines: ReadonlySet<ObservedEngine>): void {
  const active = upDown(meter, 'perdure.workflow.active');
  const connections = upDown(meter, 'db.client.connection.count');
  const tell = (result: BatchObservableResult): void => {
    const runs = new Sums();
    const counts = { used: new Sums(), idle: new Sums() };
    const counted = new Set<object>();
    for (const engine of engines) {
      for (const [workflow, count] of engine.active()) runs.add(workflow, count);
      for (const { name, identity, counts: read } of engine.pools) {
        const found = counted.has(identity) ? null : read();
        counted.add(identity);
        for (const state of ['used', 'idle'] as const) if (found !== null) counts[state].add(name, found[state]);
      }
    }
    for (const [workflow, count] of runs.all) result.observe(active, count, { [names.workflow]: workflow });
    for (const state of ['used', 'idle'] as const) {
      for (const [pool, count] of counts[state].all) {
        result.observe(connections, count, { [names.pool]: pool, [names.connectionState]: state });
      }
    }
  };
  meter.addBatchObservableCallback(tell, [active, connections]);
}

class Sums {
  readonly all = new Map<string, number>();

  add(name: string, count: number): void {
    this.all.set(name, (this.all.get(name) ?? 0) + count);
  }
}

function observeDatabase(meter: Meter, engine: ObservedEngine): () => void {
  const depth = gauge(meter, 'perdure.queue.depth');
  const age = gauge(meter, 'perdure.queue.age');
  const blocked = gauge(meter, 'perdure.blocked');
  const snapshotAge = gauge(meter, 'perdure.db.oldest_snapshot_age');
  const tell = ({ queues, blocked: byWorkflow, oldestSnapshotAgeMs }: Vitals, result: BatchObservableResult): void => {
    for (const { queue, state, depth: runs, ageMs } of queues) {
      result.observe(depth, runs, { [names.queue]: queue, [names.queueState]: state });
      if (ageMs !== null) result.observe(age, ageMs / 1_000, { [names.queue]: queue });
    }
    for (const [workflow, runs] of byWorkflow) result.observe(blocked, runs, { [names.workflow]: workflow });
    result.observe(snapshotAge, oldestSnapshotAgeMs / 1_000);
  };
  const ask = async (result: BatchObservableResult): Promise<void> => {
    const vitals = await engine.vitals();
    if (vitals !== null) tell(vitals, result);
  };
  const observables = [depth, age, blocked, snapshotAge];
  meter.addBatchObservableCallback(ask, observables);
  return () => meter.removeBatchObservableCallback(ask, observables);
}

const gauge = (meter: Meter, name: NamesOf<'gauge'>): Observable => meter.createObservableGauge(name, settingsOf(name));

const upDown = (meter: Meter, name: NamesOf<'up-down'>): Observable =>
  meter.createObservableUpDownCounter(name, settingsOf(name));
