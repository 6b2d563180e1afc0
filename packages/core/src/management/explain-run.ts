import type { Codec } from '../codec/codec.js';
import { QueueTimeoutError } from '../errors/queue-errors.js';
import { WorkflowTimeoutError } from '../errors/errors.js';
import type { LineFacts, RunFacts } from '../store/explanations.js';
import type { Checkpoint, RunStatus } from '../store/records.js';
import { explainLine } from './explain-line.js';
import { explainWaits } from './explain-waits.js';
import { at, command, type Finding } from './explanation.js';

/** All that is stored about why one run is where it is. */
export interface Evidence {
  readonly workflowId: string;
  readonly run: RunFacts;
  readonly line: LineFacts | null; // null = it is in no queue
  readonly history: readonly Checkpoint[];
  /** What is wrong with this process' writing, if it executes the run; nothing otherwise. */
  readonly problems: readonly string[];
}

/** Why a run is where it is. */
export function explainRun(evidence: Evidence, codec: Codec): Finding {
  const { run } = evidence;
  if (run.outcome !== null) return ended(evidence, codec);
  switch (run.state) {
    case 'owned':
      return owned(evidence, codec);
    case 'parked':
      return explainWaits(evidence.workflowId, run, evidence.history, codec) ?? executing(evidence);
    case 'available':
      return withoutCode(evidence) ?? backingOff(evidence) ?? untaken(evidence);
    case 'queued':
      return queued(evidence);
    case 'blocked':
      return blocked(evidence);
    case 'settled':
      return ended(evidence, codec);
  }
}

export function statusOf({ outcome, state, item }: RunFacts): RunStatus {
  if (outcome !== null) return outcome;
  if (state === 'blocked') return 'blocked';
  if (state === 'queued' && item?.state === 'delayed') return 'delayed';
  return state === 'owned' || state === 'parked' ? 'running' : state === 'settled' ? 'cancelled' : 'enqueued';
}

function ended({ workflowId, run }: Evidence, codec: Codec): Finding {
  const { outcome, item, finishedAt, isInterrupted } = run;
  const error = outcome === null || outcome === 'completed' ? null : codec.decodeError(run.outcomePayload ?? '');
  const isLate = error instanceof WorkflowTimeoutError || error instanceof QueueTimeoutError;
  const reason = outcome === 'failed' && isLate ? 'timed-out' : (outcome ?? 'cancelled');
  const when = finishedAt === null ? '' : ` at ${at(finishedAt)}`;
  const messages = {
    completed: `It completed${when}.`,
    failed: `It failed${when} with ${String(error)}`,
    'timed-out': `It did not end in time${when}: ${String(error)}`,
    cancelled: `It was cancelled${when}.`,
    dead: `Processes died under it again and again, and it was given up${when}.`,
  };
  const isDeadLetter = item?.state === 'dead';
  const goingOn = (advice: string): readonly [string, string] =>
    isInterrupted
      ? [
          'Its code was told to stop, and would be told again: restart it from the beginning.',
          command('restart', workflowId),
        ]
      : [advice, command('resume', workflowId)];
  const remedies: Record<keyof typeof messages, readonly [string, string | null]> = {
    completed: ['Nothing is left to do.', null],
    failed: isDeadLetter
      ? ['When the cause is gone, put it back into its queue.', command('redrive', item.queue, workflowId)]
      : [
          'When the cause is gone, let a fork go on at the step that failed.',
          command('fork', workflowId, '--from', 'failed'),
        ],
    'timed-out': goingOn('Resume it: it goes on where it was, without a limit of time.'),
    cancelled: goingOn('Resume it: it goes on where it was.'),
    dead: goingOn('When the cause is gone, resume it: it goes on where it was.'),
  };
  const [advice, remedy] = remedies[reason];
  return {
    reason,
    message: messages[reason],
    since: finishedAt,
    until: null,
    advice,
    command: remedy,
    facts: { finishedAt, attempt: run.attempt, ...(outcome === 'dead' && { crashes: run.crashes }) },
    dueToId: null,
  };
}

function owned(evidence: Evidence, codec: Codec): Finding {
  const { workflowId, run, history, problems } = evidence;
  const { owner, leaseUntil } = run;
  const who = `${owner.label ?? 'a process that is gone'} (${owner.executorId ?? 'none'})`;
  const base = { until: null, dueToId: null, command: null };
  if (!owner.isAlive) {
    return {
      ...base,
      reason: 'owner-gone',
      message: `${who} had it and has not renewed its lease${leaseUntil === null ? '' : `, which ended at ${at(leaseUntil)}`}.`,
      since: leaseUntil,
      ...(run.executors === 0
        ? { advice: 'No process lives that could take it over. Start one.', command: command('worker', '<module>') }
        : run.executorsWithCode === 0
          ? {
              advice: `It is freed within seconds, and then waits for a process that has ${codeFor(run)}: none that lives has.`,
            }
          : {
              advice: `One of the ${run.executorsWithCode} processes that live and have its code takes it over within seconds.`,
            }),
      facts: { executor: owner, executors: run.executors },
    };
  }
  if (problems.length > 0) {
    return {
      ...base,
      reason: 'database-behind',
      message: `${who} executes it, but what it does cannot be written: ${problems.join(' ')}`,
      since: null,
      advice: 'See health() of that process, and whether the database keeps up.',
      facts: { executor: owner, problems },
    };
  }
  if (run.cancelRequestedAt !== null) {
    return {
      ...base,
      reason: 'cancelling',
      message: `It was asked to stop at ${at(run.cancelRequestedAt)}; ${who} executes what it does before it ends.`,
      since: run.cancelRequestedAt,
      advice: 'It ends when its compensation has, or its process next looks.',
      facts: { executor: owner },
    };
  }
  return explainWaits(workflowId, run, history, codec) ?? executing(evidence);
}

/** What a step, or code between steps, does right now is known only to the process itself. */
function executing({ run, history }: Evidence): Finding {
  const { owner } = run;
  const last = history.filter(({ seq, position }) => seq >= 0 && position >= 0).at(-1);
  const after =
    last === undefined ? 'nothing of it is recorded yet' : `the last that is recorded is #${last.seq} "${last.name}"`;
  return {
    reason: 'executing',
    message: `${owner.label ?? 'A process'} (${owner.executorId ?? 'none'}) executes it; ${after}.`,
    since: last?.finishedAt ?? run.createdAt,
    until: run.deadlineAt,
    advice: 'If it takes too long, see that process, or give its steps timeouts.',
    command: null,
    facts: { executor: owner, lastStep: last === undefined ? null : { step: last.seq, name: last.name } },
    dueToId: null,
  };
}

function queued(evidence: Evidence): Finding {
  const { run, line } = evidence;
  const { item } = run;
  if (item === null || line === null) return untaken(evidence);
  if (item.state === 'blocked') return blocked(evidence);
  if (item.state === 'delayed') {
    return (
      (run.crashes < 2 ? null : withoutCode(evidence)) ??
      backingOff(evidence) ?? {
        reason: 'delayed',
        message: `It is delayed, and stands in line in the queue "${item.queue}" from ${at(item.runAt)} on.`,
        since: item.enqueuedAt,
        until: item.runAt,
        advice: 'It begins by itself. Resume it to let it stand in line now.',
        command: command('resume', evidence.workflowId),
        facts: { queue: item.queue, runAt: item.runAt },
        dueToId: null,
      }
    );
  }
  return withoutCode(evidence) ?? explainLine(run, item, line) ?? untaken(evidence);
}

const codeFor = ({ name, version }: RunFacts): string =>
  `${version === '' ? '' : `version "${version}" of `}the workflow "${name}"`;

/** Nobody who lives can take it, whatever else it waits for; null if somebody can, or nobody lives. */
function withoutCode({ run }: Evidence): Finding | null {
  const { name, version, executors, executorsWithCode, servedVersions, promotedVersion } = run;
  if (executors === 0 || executorsWithCode > 0) return null;
  const others = servedVersions.map((served) => `"${served}"`).join(', ');
  const base = { since: run.item?.runAt ?? run.availableAt, until: null, dueToId: null };
  if (promotedVersion !== null) {
    return {
      ...base,
      reason: 'version-not-promoted',
      message:
        `It was started by its name, and of the workflow "${name}" only version "${promotedVersion}" takes new work, which is ` +
        `promoted; no process that lives has it${others === '' ? '' : `. There is ${others}, which is not promoted`}.`,
      advice:
        'Start a process that has the promoted version, promote one that the living have, or take the promotion back.',
      command: command('versions', 'promote', name, servedVersions.at(-1) ?? '<version>'),
      facts: { name, promoted: promotedVersion, served: servedVersions, executors },
    };
  }
  return {
    ...base,
    reason: 'code-missing',
    message: `It needs ${codeFor(run)}, which no process that lives has${others === '' ? '' : `: there is ${others}`}.`,
    ...(others === ''
      ? { advice: 'Start a process that has it.', command: command('worker', '<module>') }
      : {
          advice: 'Start a process that has it, or see whether the code that there is can go on with it, and adopt it.',
          command: command('check', '<module>', '--adopt'),
        }),
    facts: { name, version, served: servedVersions, executors },
  };
}

/** A run under which processes died waits longer before each try. */
function backingOff({ run }: Evidence): Finding | null {
  const tryAt = run.item?.runAt ?? run.availableAt;
  if (run.crashes < 2 || tryAt === null || tryAt <= run.now) return null;
  return {
    reason: 'backing-off',
    message: `${run.crashes} processes in a row died while they executed it. It is tried again at ${at(tryAt)}.`,
    since: null,
    until: tryAt,
    advice: 'See status().crashes for when, and the logs of those processes for why.',
    command: null,
    facts: { crashes: run.crashes, tryAt },
    dueToId: null,
  };
}

function untaken({ run }: Evidence): Finding {
  const of = `workflow "${run.name}"${run.version === '' ? '' : ` in version "${run.version}"`}`;
  const base = {
    since: run.item?.runAt ?? run.availableAt,
    until: null,
    command: command('worker', '<module>'),
    dueToId: null,
  };
  const facts = { name: run.name, version: run.version, executors: run.executors };
  if (run.executors === 0) {
    return {
      ...base,
      reason: 'no-executor',
      message: 'It may begin, but no process lives that could execute it.',
      advice: `Start one that has the ${of}.`,
      facts,
    };
  }
  return {
    ...base,
    reason: 'not-taken',
    message: `It may begin, but none of the ${run.executorsWithCode} processes that live and have the ${of} has taken it${
      run.item === null ? '' : `: they don't serve the queue "${run.item.queue}", or are full`
    }.`,
    advice: `Start another one${run.item === null ? '' : ' that serves it'}, or see health() of those that there are.`,
    facts: { ...facts, executorsWithCode: run.executorsWithCode },
  };
}

function blocked({ workflowId, run }: Evidence): Finding {
  return {
    reason: 'blocked',
    message: run.blockedReason ?? 'Its history and the code differ.',
    since: run.blockedAt,
    until: null,
    advice: 'Run a process with the code that it began with, or fork it before the difference.',
    command: command('fork', workflowId),
    facts: { name: run.name, version: run.version },
    dueToId: null,
  };
}
