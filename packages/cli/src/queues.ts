import type { QueueInfo, QueueSettings, RateLimit } from '@perdure/core';
import type { Column } from './terminal/table.js';
import { grouped } from './terminal/text.js';
import { periodText as msText } from './terminal/times.js';

export const queueColumns: readonly Column<QueueInfo>[] = [
  { title: 'QUEUE', of: ({ name }) => name, isKey: true },
  {
    title: 'STATE',
    of: ({ isPaused }) => (isPaused ? 'paused' : 'open'),
    colour: ({ isPaused }) => (isPaused ? 'yellow' : null),
  },
  { title: 'WAITING', of: ({ waiting }) => grouped(waiting), align: 'right' },
  { title: 'DELAYED', of: ({ delayed }) => grouped(delayed), align: 'right' },
  { title: 'RUNNING', of: ({ running }) => grouped(running), align: 'right' },
  { title: 'DEAD', of: ({ deadLetters }) => grouped(deadLetters), align: 'right' },
  { title: 'LIMITS', of: ({ settings }) => limitsText(settings) },
];

export function queueFacts({ name, settings, isPaused, ...counts }: QueueInfo): (readonly [string, string | null])[] {
  const { concurrency, workerConcurrency, rateLimit, perKey, ageing, maxWait } = settings;
  const number = (value: number | undefined): string | null => (value === undefined ? null : grouped(value));
  return [
    ['queue', name],
    ['state', isPaused ? 'paused' : 'open'],
    ['waiting', grouped(counts.waiting)],
    ['delayed', grouped(counts.delayed)],
    ['running', grouped(counts.running)],
    ['dead letters', grouped(counts.deadLetters)],
    ['concurrency', number(concurrency)],
    ['in one process', number(workerConcurrency)],
    ['rate', rateText(rateLimit)],
    ['of each key', number(perKey?.concurrency)],
    ['rate of each key', rateText(perKey?.rateLimit)],
    ['ageing', periodText(ageing)],
    ['longest wait', periodText(maxWait)],
  ];
}

/** The limits of a queue in a few words; empty if it has none. */
export function limitsText({
  concurrency,
  workerConcurrency,
  rateLimit,
  perKey,
  ageing,
  maxWait,
}: QueueSettings): string {
  const limits = [
    concurrency === undefined ? null : `${grouped(concurrency)} at once`,
    workerConcurrency === undefined ? null : `${grouped(workerConcurrency)} in a process`,
    rateText(rateLimit),
    perKey?.concurrency === undefined ? null : `${grouped(perKey.concurrency)} of a key`,
    perKey?.rateLimit === undefined ? null : `${rateText(perKey.rateLimit)} of a key`,
    ageing === undefined ? null : `ageing ${periodText(ageing)}`,
    maxWait === undefined ? null : `waits ${periodText(maxWait)} at most`,
  ];
  return limits.filter((limit) => limit !== null).join(', ');
}

function rateText(rate: RateLimit | undefined): string | null {
  return rate === undefined ? null : `${grouped(rate.limit)} in ${periodText(rate.per)}`;
}

function periodText(period: number | string | undefined): string | null {
  return typeof period === 'number' ? msText(period) : (period ?? null);
}
