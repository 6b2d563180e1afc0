/**
 * `npm run simulate`: engines on a database in memory, in one process and on simulated clocks, under troubles of every kind
 * that a seed decides; fails if anything happened that must not, or if a seed did not play twice alike. Each violation is
 * printed with what plays its seed again.
 *
 * --seeds N (200)   from --first N (1)   --twice N (20): so many of them are played again, in another order
 * --processes N (one for each core)   --json FILE
 * --seed N: this one alone, twice   --trace FILE: everything that happens in it
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { simulate, type Verdict } from './simulation.js';
import { simulateAll } from './simulators.js';
import { Storage } from './storage.js';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    twice: { type: 'string', default: '20' },
    processes: { type: 'string', default: `${availableParallelism()}` },
    json: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'string' },
  },
});
const since = performance.now();
const verdicts = new Map<string, Verdict>();
const violations: string[] = [];
const seeds = options.seed === undefined ? manySeeds() : [options.seed];
if (options.seed === undefined) {
  const again = seeds.slice(0, Number(options.twice)).toReversed();
  await simulateAll([...seeds, ...again], Number(options.processes), judge);
} else {
  await playAlone(options.seed);
}
report();

function manySeeds(): string[] {
  const first = Number(options.first);
  return Array.from({ length: Number(options.seeds) }, (_, index) => `${first + index}`);
}

async function playAlone(seed: string): Promise<void> {
  const storage = await Storage.open();
  for (const isTraced of [options.trace !== undefined, false]) {
    const verdict = await simulate(seed, storage, { isTraced });
    if (isTraced) writeFileSync(options.trace!, verdict.lines.join(''));
    judge(verdict);
  }
  await storage.close();
}

function judge(verdict: Verdict): void {
  const { seed, mode, hash } = verdict;
  const before = verdicts.get(seed);
  const found = before === undefined ? verdict.violations : [];
  const differs = before !== undefined && before.hash !== hash ? [`played twice, it is not the same`] : [];
  for (const violation of [...found, ...differs]) {
    violations.push(`seed ${seed} (${mode}): ${violation}`);
    say(`${violations.at(-1)}\n  npm run simulate -- --seed ${seed}`);
  }
  verdicts.set(seed, before ?? verdict);
  if (verdicts.size % 100 === 0 && before === undefined) say(`${verdicts.size} seeds, ${violations.length} violations`);
}

function report(): void {
  const played = seeds.map((seed) => verdicts.get(seed)!);
  const sum = (of: (verdict: Verdict) => number): number => played.reduce((all, verdict) => all + of(verdict), 0);
  const summary = {
    seeds: played.length,
    violations: violations.length,
    hash: createHash('sha256')
      .update(played.map(({ hash }) => hash).join())
      .digest('hex'),
    liveness: played.filter(({ mode }) => mode === 'liveness').length,
    runs: sum(({ runs }) => runs),
    events: sum(({ events }) => events),
    virtualHours: Math.round(sum(({ virtualMs }) => virtualMs) / 36_000) / 100,
    seconds: Math.round((performance.now() - since) / 1000),
    found: violations,
  };
  say(JSON.stringify(summary, null, 2));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(summary, null, 2)}\n`);
  if (violations.length > 0) process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
