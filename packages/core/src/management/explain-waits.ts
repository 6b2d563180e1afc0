import type { Codec } from '../codec/codec.js';
import type { EpochMs } from '../seams/clock.js';
import type { RetryMarker } from '../step/retry-marker.js';
import type { RunFacts } from '../store/explanations.js';
import type { Checkpoint } from '../store/records.js';
import { arrangeHistory, type RecordedCall } from '../workflow/history.js';
import { at, command, type Finding } from './explanation.js';

interface OpenCall extends RecordedCall {
  readonly seq: number;
}

/** What a run waits for by itself, as far as it is stored: in its row where it is parked, and in its history. */
export function explainWaits(
  workflowId: string,
  run: RunFacts,
  history: readonly Checkpoint[],
  codec: Codec,
): Finding | null {
  const { calls, lastRetry } = arrangeHistory(history);
  const open: OpenCall[] = [...calls]
    .filter(([, { result, markers }]) => result === null && !markers.some(({ kind }) => kind === 'transaction'))
    .map(([seq, call]) => ({ seq, ...call }));
  return (
    workflowRetry(run, calls.size === 0 ? lastRetry : null, codec) ??
    stepRetry(run, open, codec) ??
    otherRuns(workflowId, run) ??
    messages(workflowId, run, open, codec) ??
    sleeping(run, open, codec)
  );
}

function workflowRetry(run: RunFacts, marker: Checkpoint | null, codec: Codec): Finding | null {
  if (marker === null) return null;
  const { retryAt } = codec.decode(marker.payload) as RetryMarker;
  if (retryAt <= run.now) return null;
  return {
    reason: 'workflow-retry',
    message: `The whole workflow failed, and starts afresh at ${at(retryAt)}.`,
    since: marker.finishedAt,
    until: retryAt,
    advice: 'It starts by itself.',
    command: null,
    facts: { retryAt },
    dueToId: null,
  };
}

function stepRetry(run: RunFacts, open: readonly OpenCall[], codec: Codec): Finding | null {
  for (const { seq, name, markers } of open) {
    const failed = markers.filter(({ kind }) => kind === 'attempt');
    const last = failed.at(-1);
    if (last === undefined) continue;
    const { retryAt, error } = codec.decode(last.payload) as RetryMarker;
    const now = retryAt > run.now ? `The next try is at ${at(retryAt)}` : 'It is being tried again';
    return {
      reason: 'step-retry',
      message: `Step #${seq} "${name}" has failed ${failed.length} times, last with ${describeError(error, codec)}. ${now}.`,
      since: failed[0]?.startedAt ?? null,
      until: retryAt > run.now ? retryAt : null,
      advice: 'Mend what it fails of; it is tried again by itself.',
      command: null,
      facts: { step: seq, name, failedTries: failed.length, retryAt },
      dueToId: null,
    };
  }
  return null;
}

/** Only a run that is parked says which runs it waits for. */
function otherRuns(workflowId: string, { wakeOn }: RunFacts): Finding | null {
  const names = wakeOn ?? [];
  const base = { since: null, until: null };
  const child = names.find((name) => name.startsWith('run:'))?.slice(4);
  if (child !== undefined) {
    return {
      ...base,
      reason: 'waiting-for-run',
      message: `It waits for run "${child}" to end.`,
      advice: 'See why that one has not ended.',
      command: command('explain', child),
      facts: { runs: names.filter((name) => name.startsWith('run:')).map((name) => name.slice(4)) },
      dueToId: child,
    };
  }
  const event = names.find((name) => name.startsWith('event:'))?.slice(6);
  if (event === undefined) return null;
  const [otherId = '', key = ''] = event.split('\n');
  return {
    ...base,
    reason: key === '' ? 'waiting-for-run' : 'waiting-for-event',
    message:
      key === '' ? `It waits for run "${otherId}" to end.` : `It waits until run "${otherId}" sets the event "${key}".`,
    advice: 'See why that one has not got there.',
    command: command('explain', otherId),
    facts: key === '' ? { runs: [otherId] } : { run: otherId, key },
    dueToId: otherId === workflowId ? null : otherId,
  };
}

function messages(workflowId: string, run: RunFacts, open: readonly OpenCall[], codec: Codec): Finding | null {
  const waits = open.filter(({ kind }) => kind === 'receive');
  const parked = (run.wakeOn ?? []).filter((name) => name.startsWith('topic:')).map((name) => name.slice(6));
  const topics = [...new Set([...parked, ...waits.map(({ name }) => name)])];
  const [topic] = topics;
  if (topic === undefined) return null;
  const marker = waits.find(({ name }) => name === topic)?.markers.at(-1) ?? null;
  const until = marker === null ? null : (codec.decode(marker.payload) as EpochMs);
  const isToken = topic.startsWith('token ');
  const what = isToken ? 'the value of a token' : `a message of the topic "${topic}"`;
  return {
    reason: 'waiting-for-message',
    message: `It waits for ${what}${until === null ? '' : `, until ${at(until)}`}. None has come.`,
    since: marker?.startedAt ?? null,
    until,
    advice: isToken
      ? 'completeToken(token, value) gives it.'
      : `perdure.send('${workflowId}', '${topic}', message) sends one.`,
    command: null,
    facts: { topics },
    dueToId: null,
  };
}

function sleeping(run: RunFacts, open: readonly OpenCall[], codec: Codec): Finding | null {
  const sleeps = open.flatMap(({ kind, markers: [marker] }) =>
    kind === 'sleep' && marker !== undefined
      ? [{ startedAt: marker.startedAt, wakeAt: codec.decode(marker.payload) as EpochMs }]
      : [],
  );
  const [first] = sleeps.toSorted((a, b) => a.wakeAt - b.wakeAt);
  if (first === undefined) return null;
  return {
    reason: 'sleeping',
    message: `It sleeps until ${at(first.wakeAt)}.`,
    since: first.startedAt,
    until: first.wakeAt,
    advice: run.executors === 0 ? 'No process is running that could wake it. Start one.' : 'It wakes by itself.',
    command: null,
    facts: { wakeAt: first.wakeAt },
    dueToId: null,
  };
}

function describeError(error: string | null, codec: Codec): string {
  if (error === null) return 'an error';
  try {
    return String(codec.decodeError(error)).slice(0, 200);
  } catch {
    return 'an error that cannot be read';
  }
}
