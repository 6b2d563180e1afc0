import { median } from './figures.js';

/** One row of the report. */
export interface Finding {
  readonly name: string;
  readonly unit: string;
  readonly higherIsBetter: boolean;
  readonly perdure: number;
  readonly peers: Readonly<Record<string, number>>;
  /** What the database itself allows, measured in the same run and in the same unit; null where nothing says so. */
  readonly limit: number | null;
}

/** What was measured of each contender, by its name, round by round. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** The medians of the rounds. */
export function finding(
  what: Pick<Finding, 'name' | 'unit' | 'higherIsBetter'>,
  rounds: Rounds,
  limit: number | null = null,
): Finding {
  const medians = [...rounds].map(([name, values]) => [name, rounded(median(values))] as const);
  const { perdure = Number.NaN, ...peers } = Object.fromEntries(medians) as Record<string, number>;
  return { ...what, perdure, peers, limit: limit === null ? null : rounded(limit) };
}

/** How many times better Perdure is than a peer. */
export function ratio({ higherIsBetter, perdure }: Finding, peer: number): number {
  return higherIsBetter ? perdure / peer : peer / perdure;
}

/** Three digits that count. */
export const rounded = (value: number): number => Number(value.toPrecision(3));
