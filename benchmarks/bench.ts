import type pg from 'pg';
import type { ContenderName } from './contender.js';
import type { OpenOptions } from './process/messages.js';
import type { Remote } from './process/remote.js';
import type { Finding } from './report/finding.js';

/** What every scenario works with. */
export interface Bench {
  readonly isQuick: boolean;
  /** Those that take part, of which a scenario takes whom it can compare. */
  readonly contenders: readonly ContenderName[];
  /** The server, as its superuser. */
  readonly sql: pg.Client;
  /** A new database on the server. */
  readonly createDatabase: () => Promise<string>;
  /** The Node.js that everything which is measured runs on. */
  readonly execPath: string;
  /** A process without a contender. */
  readonly launch: () => Remote;
}

/** One file in `scenarios/`. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly measure: (bench: Bench) => Promise<readonly Finding[]>;
}

/** Those of the contenders that take part. */
export const among = (bench: Bench, names: readonly ContenderName[]): ContenderName[] =>
  names.filter((name) => bench.contenders.includes(name));

/** Opens contenders, each in a process and on a database of its own, and closes them after the work. */
export async function withContenders<T>(
  bench: Bench,
  names: readonly ContenderName[],
  options: Omit<OpenOptions, 'contender' | 'url'>,
  work: (remotes: ReadonlyMap<ContenderName, Remote>) => Promise<T>,
): Promise<T> {
  const remotes = new Map<ContenderName, Remote>();
  try {
    for (const contender of names) {
      const remote = bench.launch();
      remotes.set(contender, remote);
      await remote.open({ ...options, contender, url: await bench.createDatabase() });
    }
    return await work(remotes);
  } finally {
    for (const remote of remotes.values()) await remote.close();
  }
}

/** Lets them take turns, so that a slow moment of the machine meets all of them; each round begins with another one. */
export async function takeTurns<Key, T>(
  keys: readonly Key[],
  rounds: number,
  measure: (key: Key, round: number) => Promise<T>,
): Promise<Map<Key, T[]>> {
  const found = new Map<Key, T[]>(keys.map((key) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = [...keys.slice(round % keys.length), ...keys.slice(0, round % keys.length)];
    for (const key of order) found.get(key)?.push(await measure(key, round));
  }
  return found;
}

/**
 * Lets one of them work alone: the others' processes are stopped meanwhile, or what they still had to do after their turns, and their
 * polling, would be taken for slowness of this one.
 */
export async function alone<T>(
  remotes: ReadonlyMap<ContenderName, Remote>,
  name: ContenderName,
  work: (remote: Remote) => Promise<T>,
): Promise<T> {
  const remote = remotes.get(name) as Remote;
  const others = [...remotes.values()].filter((it) => it !== remote);
  for (const other of others) other.pause();
  try {
    return await work(remote);
  } finally {
    for (const other of others) other.resume();
  }
}

/** One number of each measurement. */
export function pick<Key, T>(found: ReadonlyMap<Key, readonly T[]>, value: (it: T) => number): Map<Key, number[]> {
  return new Map([...found].map(([key, all]) => [key, all.map(value)]));
}
