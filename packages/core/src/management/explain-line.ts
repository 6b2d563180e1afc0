import type { EpochMs } from '../seams/clock.js';
import type { Holder, ItemFacts, LineFacts, RunFacts } from '../store/explanations.js';
import { at, command, type Finding } from './explanation.js';

/** Why an item of a queue does not begin; null if nothing in the queue hinders it. */
export function explainLine(run: RunFacts, item: ItemFacts, line: LineFacts): Finding | null {
  const { queue, key } = item;
  const { settings, holders, holdersOfKey } = line;
  const base = { since: item.runAt, until: null, dueToId: null };
  if (settings === null) {
    return {
      ...base,
      reason: 'queue-unknown',
      message: `It waits in the queue "${queue}", which no process has declared.`,
      advice: `Declare it with queue('${queue}') in a process that is running.`,
      command: null,
      facts: { queue },
    };
  }
  if (line.pausedAt !== null) {
    return {
      ...base,
      reason: 'queue-paused',
      message: `The queue "${queue}" is paused since ${at(line.pausedAt)}.`,
      since: Math.max(line.pausedAt, item.runAt),
      advice: 'Resume the queue.',
      command: command('queues', 'resume', queue),
      facts: { queue, pausedAt: line.pausedAt },
    };
  }
  const { concurrency, keyConcurrency, workerConcurrency } = settings;
  if (concurrency != null && line.running >= concurrency) {
    return {
      ...base,
      ...full('queue-full', `the queue "${queue}"`, concurrency, holders),
      command: command('queues', 'change', queue, '--concurrency', String(concurrency + 1)),
      facts: { queue, concurrency, running: line.running, ahead: line.ahead, holders },
    };
  }
  if (line.opensAt !== null) return closed('queue-rate', `The queue "${queue}"`, item, line, line.opensAt);
  if (keyConcurrency != null && line.runningWithKey >= keyConcurrency) {
    return {
      ...base,
      ...full('key-full', `the key "${key}" in the queue "${queue}"`, keyConcurrency, holdersOfKey),
      command: command('explain', holdersOfKey[0]?.workflowId ?? ''),
      facts: { queue, key, concurrency: keyConcurrency, running: line.runningWithKey, holders: holdersOfKey },
    };
  }
  if (line.keyOpensAt !== null) {
    return closed('key-rate', `The key "${key}" in the queue "${queue}"`, item, line, line.keyOpensAt);
  }
  if (workerConcurrency != null && run.executors > 0 && line.running >= workerConcurrency * run.executors) {
    return {
      ...base,
      ...full('workers-full', `each process in the queue "${queue}"`, workerConcurrency, holders),
      advice: 'Start more processes, or raise workerConcurrency.',
      command: command('queues', 'change', queue, '--worker-concurrency', String(workerConcurrency + 1)),
      facts: { queue, workerConcurrency, executors: run.executors, running: line.running, holders },
    };
  }
  if (keyConcurrency === 1 && line.headOfKeyId !== null) {
    return {
      ...base,
      reason: 'behind-others',
      message: `Run "${line.headOfKeyId}" is before it with the key "${key}", whose runs go one after the other.`,
      advice: 'It begins when that one has ended.',
      command: command('explain', line.headOfKeyId),
      facts: { queue, key, ahead: line.ahead, head: line.headOfKeyId },
      dueToId: line.headOfKeyId,
    };
  }
  if (line.ahead === 0 || run.executors === 0) return null;
  return {
    ...base,
    reason: 'behind-others',
    message: `${line.ahead} ${line.ahead === 1 ? 'run is' : 'runs are'} before it in the queue "${queue}".`,
    advice: 'It begins when it is its turn. A lower priority puts it before others.',
    command: null,
    facts: { queue, ahead: line.ahead },
  };
}

function full(
  reason: 'queue-full' | 'key-full' | 'workers-full',
  what: string,
  limit: number,
  holders: readonly Holder[],
): Pick<Finding, 'reason' | 'message' | 'advice' | 'dueToId'> {
  const names = holders.map(describe).join(', ');
  const gone = holders.some(({ isAlive }) => !isAlive);
  return {
    reason,
    message: `At most ${limit} may run at once for ${what}. Held by ${names}${limit > holders.length ? ' and others' : ''}.`,
    advice: gone
      ? 'A process among them is gone: another one takes its runs over when its lease has ended.'
      : 'It begins when one of them ends. Look why they run so long, or raise the limit.',
    dueToId: holders[0]?.workflowId ?? null,
  };
}

const describe = ({ workflowId, executorId, label, isAlive }: Holder): string =>
  `run "${workflowId}" on ${label ?? 'an executor'} (${executorId ?? 'none'}${isAlive ? '' : ', gone'})`;

function closed(
  reason: 'queue-rate' | 'key-rate',
  what: string,
  { queue, key, runAt }: ItemFacts,
  { settings }: LineFacts,
  opensAt: EpochMs,
): Finding {
  const [units, periodMs] =
    reason === 'queue-rate'
      ? [settings?.rateUnits, settings?.ratePeriodMs]
      : [settings?.keyRateUnits, settings?.keyRatePeriodMs];
  return {
    reason,
    message: `${what} lets ${units} units begin within ${periodMs} ms, and has. Its window opens at ${at(opensAt)}.`,
    since: runAt,
    until: opensAt,
    advice: 'It begins then. Raise the rate if that is too late.',
    command: command('queues', 'show', queue),
    facts: { queue, key, units, periodMs, opensAt },
    dueToId: null,
  };
}
