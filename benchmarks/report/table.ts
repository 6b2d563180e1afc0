import type { Machine } from '../machine.js';
import { type Finding, ratio, rounded } from './finding.js';

/** The report as Markdown. */
export function tableOf(machine: Machine, versions: Readonly<Record<string, string>>, findings: readonly Finding[]) {
  const peers = [...new Set(findings.flatMap((row) => Object.keys(row.peers)))];
  const head = ['', 'unit', 'perdure', ...peers, 'limit'];
  const rows = findings.map((row) => [
    row.name,
    row.unit,
    inDigits(row.perdure),
    ...peers.map((peer) => (row.peers[peer] === undefined ? '' : besides(row, row.peers[peer]))),
    row.limit === null ? '' : ofLimit(row, row.limit),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column < 2 ? '---' : '---:'));
  const { cores, processor, memoryGb, system, node, postgres, durability, date } = machine;
  return [
    `${date}: ${cores} cores (${processor}), ${memoryGb} GB, ${system}, Node ${node}, Postgres ${postgres} on the same machine with ${durability} for all.`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
    'In brackets: how many times better Perdure is; beside the limit, the share of it that Perdure reaches.',
    '',
    ...[head, rule, ...rows].map(line),
    '',
  ].join('\n');
}

const besides = (row: Finding, peer: number): string => `${inDigits(peer)} (${inDigits(rounded(ratio(row, peer)))}×)`;

/** Of something to be high, how much of the limit; of a time, how many times the limit. */
function ofLimit({ higherIsBetter, perdure }: Finding, limit: number): string {
  return higherIsBetter
    ? `${inDigits(limit)} (${Math.round((perdure / limit) * 100)} %)`
    : `${inDigits(limit)} (${(perdure / limit).toFixed(2)}×)`;
}

const inDigits = (value: number): string =>
  Number.isNaN(value) ? '?' : value.toLocaleString('en', { maximumSignificantDigits: 3 });
