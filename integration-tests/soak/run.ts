/**
 * `npm run soak`: the torture at half its load and with fewer faults, for as long as wanted, beside two processes that live
 * through all of it. Fails if the checker finds a violation, if the memory, the handles or the connections of those two grow,
 * or if more than a fifth of the engine's rows are dead.
 *
 * --minutes N (30)   --seed TEXT   --json FILE   --report FILE
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { markdown } from '../torture/report.js';
import { torture } from '../torture/torture.js';
import { judgeSoak, type SoakVerdict } from './judge.js';
import { type Sample, takeSamples } from './samples.js';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: randomUUID().slice(0, 8) },
    json: { type: 'string' },
    report: { type: 'string' },
  },
});
const forMs = Number(options.minutes) * 60_000;
let samples: Sample[] = [];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const report = await torture({
  seed: options.seed,
  forMs,
  processes: 4,
  spared: 2,
  perSecond: 11,
  // Without deploys, which would take all work from those that are spared.
  rates: { kill: 6, pause: 2, term: 2, cut: 1, terminate: 1, restart: 0.5, deploy: 0 },
  convergeMs: 120_000,
  poisons: 0,
  observe: async (scene) => {
    samples = await takeSamples(scene, Math.max(2_000, forMs / 120), ['w1', 'w2']);
  },
  onProgress: say,
});
const verdict = judgeSoak(samples);
const text = `${soakMarkdown(verdict)}\n${markdown(report)}`;
say(text);
const json = JSON.stringify(
  { minutes: Number(options.minutes), ...verdict, torture: report, series: samples },
  null,
  2,
);
if (options.json !== undefined) writeFileSync(options.json, `${json}\n`);
if (options.report !== undefined) writeFileSync(options.report, text);
if (!verdict.isSteady || report.violations.length > 0) process.exitCode = 1;

function soakMarkdown({ heapMb, rssMb, handles, connections, deadRatio, isSteady }: SoakVerdict): string {
  const rows = { 'heap, MB': heapMb, 'memory in all, MB': rssMb, handles, connections };
  return [
    `# Soak of ${options.minutes} minutes: ${isSteady ? 'steady' : 'not steady'}`,
    '',
    '| of each process that lived through it | second quarter | last quarter | flat |',
    '| --- | --- | --- | --- |',
    ...Object.entries(rows).map(([name, trend]) => `| ${name} | ${trend.early} | ${trend.late} | ${trend.isFlat} |`),
    '',
    `Of the rows in the engine's tables, ${percent(deadRatio.last)} were dead in the end, and ${percent(deadRatio.most)} at most in the last quarter.`,
    '',
  ].join('\n');
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
