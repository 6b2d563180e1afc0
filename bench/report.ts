import type { Contender } from './contender.js';
import { type Sample, type Wait, waits } from './latency.js';

interface Figures {
  readonly p50: number;
  readonly p99: number;
}

export type Report = Readonly<Record<Wait, readonly (Figures & { readonly name: string; readonly ratio: number })[]>>;

/** @returns for each wait the contenders, and how many times longer than the first one's theirs is at the median */
export function report(samples: ReadonlyMap<Contender, readonly Sample[]>): Report {
  const of = (wait: Wait): Report[Wait] => {
    const all = [...samples].map(([{ name }, taken]) => ({ name, ...figures(taken.map((it) => it[wait])) }));
    const [first] = all;
    return all.map((it) => ({ ...it, ratio: round(it.p50 / (first ?? it).p50) }));
  };
  return { dispatch: of('dispatch'), message: of('message'), result: of('result') };
}

export function printed(found: Report): string {
  const lines = (Object.keys(waits) as Wait[]).flatMap((wait) => [
    `${waits[wait]}, ms`,
    ...found[wait].map(
      ({ name, p50, p99, ratio }) => `  ${name.padEnd(26)} p50 ${pad(p50)}   p99 ${pad(p99)}   × ${pad(ratio)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}

function figures(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return { p50: at(0.5), p99: at(0.99) };
}

const round = (value: number): number => Math.round(value * 100) / 100;
const pad = (value: number): string => String(value).padStart(8);
