import { once } from 'node:events';
import { forkChild } from '../recovery/worker-process.js';
import type { CrashSite, Life, live, LifePlan } from './crash-run.js';

/** What `children/killed.ts` is to live through. */
export interface KilledLife {
  readonly url: string;
  readonly schema: string;
  readonly nowMs: number;
  readonly scenario: string;
  readonly plan: LifePlan;
}

/** Lives a life in a process of its own, which dies of SIGKILL. Its clock is its own too: afterwards it is a year later. */
export function liveAndDie(url: string): typeof live {
  return async (scenario, site: CrashSite, plan): Promise<Life> => {
    const life: KilledLife = { url, schema: site.schema, nowMs: site.nowMs, scenario: scenario.name, plan };
    const child = forkChild(new URL('./children/killed.ts', import.meta.url), [JSON.stringify(life)], 2);
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    site.nowMs += 365 * 24 * 3_600_000;
    if (signal === 'SIGKILL') return { ending: 'crashed', sent: new Map(), begun: [] };
    if (code !== 0) throw new Error(`The process failed with code ${code}`);
    // It ended before the statement came.
    return { ending: { value: scenario.expected }, sent: new Map(), begun: [] };
  };
}
