import type { Checkpoint, ClaimedRun } from '../store/records.js';
import type { WorkflowDefinition } from './definition.js';
import type { History } from './history.js';
import type { IssuedCall, ReplayCursor } from './replay-cursor.js';

export interface Difference {
  readonly run: ClaimedRun;
  readonly definition: WorkflowDefinition;
  /** The call that is not the recorded one; null: the function ended with recorded results left over. */
  readonly call: IssuedCall | null;
  readonly callSite: string | null; // null = not known
  readonly cursor: ReplayCursor;
  readonly history: History;
}

/** Says where a workflow left its history, and what to do about it. */
export function describeDifference(difference: Difference): string {
  const { run, cursor, call } = difference;
  const matched = cursor.lastMatched;
  return [
    `Nondeterminism: workflow "${run.name}" (${run.workflowId}) left its history ${placeOf(difference)}`,
    ...(call === null ? leftOverLines(difference) : mismatchLines(difference, call)),
    matched === null
      ? '  no call before it was recorded'
      : `  last call that matched: #${matched.seq} ${nameOf(matched)}`,
    '  The run is set aside, and nothing of it is lost. Usual causes and remedies:',
    `  - the workflow's code was changed: run a process with the code that version "${run.version}" stood for, or give the changed workflow a new version`,
    '  - the function reads the time, random numbers or the environment itself: use now(), random() and uuid(), or read it in a step',
    '  - the order of its calls depends on something that is not recorded, such as the order of a query result or a Set',
  ].join('\n');
}

function placeOf({ call }: Difference): string {
  return call === null ? 'at its end' : `at call #${call.seq}`;
}

function mismatchLines({ history, definition, callSite }: Difference, call: IssuedCall): string[] {
  const recorded = history.calls.get(call.seq);
  const first = recorded?.markers[0] ?? recorded?.result ?? null;
  return [
    `  recorded${first === null ? '' : ` ${at(first)}`}: ${recorded === undefined ? 'nothing' : nameOf(recorded)}`,
    `  now (version "${definition.version}", code ${definition.code}): ${nameOf(call)}${callSite === null ? '' : `, called from ${callSite}`}`,
  ];
}

function leftOverLines({ cursor, definition }: Difference): string[] {
  const leftOver = cursor.leftOver();
  return [
    `  recorded and not asked for: ${leftOver
      .slice(0, 5)
      .map((checkpoint) => `#${checkpoint.seq} ${nameOf(checkpoint)} (${at(checkpoint)})`)
      .join(', ')}${leftOver.length > 5 ? ` and ${leftOver.length - 5} more` : ''}`,
    `  now (version "${definition.version}", code ${definition.code}): the function ended before it took these results`,
  ];
}

function nameOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return kind === name ? kind : `${kind} "${name}"`;
}

function at(checkpoint: Checkpoint): string {
  return new Date(checkpoint.finishedAt).toISOString();
}
