import type { ConnectionPool } from '../database/database.js';
import type { ObservedEngine, Vitals } from '../metrics/metrics.js';
import type { ClaimedRun } from '../store/records.js';
import type { EngineServices } from './engine-services.js';

/** However often metrics are collected, and by however many, the database is asked once in so long. */
const vitalsMs = 10_000;

/**
 * What an engine tells to whoever collects metrics. A collector may go on telling the last number that it was told for ever.
 * So what was told once is told again, and be it that there is none.
 */
export function observedEngine(
  { store, clock, logger, registry }: EngineServices,
  pools: readonly ConnectionPool[],
  engine: { readonly executorId: () => string | null; readonly runs: () => Iterable<ClaimedRun> },
): ObservedEngine {
  const workflows = new Set<string>();
  let vitals: Promise<Vitals | null> = Promise.resolve(null);
  let hasTold = false;
  let askAgainAtMs = 0;
  const ofEach = (counts: ReadonlyMap<string, number>): ReadonlyMap<string, number> => {
    for (const { name } of registry.all()) workflows.add(name);
    for (const name of counts.keys()) workflows.add(name);
    return new Map([...workflows].map((name) => [name, counts.get(name) ?? 0]));
  };

  const ask = async (): Promise<Vitals | null> => {
    const executorId = engine.executorId();
    if (executorId === null) return null;
    try {
      const found = await store.vitals.read({ executorId, anyhow: hasTold, now: clock.sqlNow() });
      if (found === null) return null;
      hasTold = true;
      return { ...found, blocked: ofEach(found.blocked) };
    } catch (error) {
      logger.debug({ err: error }, 'the database was not asked for metrics; it is tried again');
      return null;
    }
  };

  return {
    pools,
    active() {
      const counts = new Map<string, number>();
      for (const { name } of engine.runs()) counts.set(name, (counts.get(name) ?? 0) + 1);
      return ofEach(counts);
    },
    vitals() {
      const nowMs = clock.monotonicMs();
      if (nowMs >= askAgainAtMs) {
        askAgainAtMs = nowMs + vitalsMs;
        vitals = ask();
      }
      return vitals;
    },
  };
}
