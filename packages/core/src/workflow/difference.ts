import type { Checkpoint, ClaimedRun } from '../store/records.js';
import type { WorkflowDefinition } from './definition.js';
import type { History } from './history.js';
import type { IssuedCall, ReplayCursor } from './replay-cursor.js';

/** Where a workflow left its history: with another call, by its end, or by coming to rest where the history goes on. */
export type Departure =
  | { readonly kind: 'call'; readonly call: IssuedCall; readonly callSite: string | null } // null = not known
  | { readonly kind: 'end' | 'rest' };

/** A difference between a workflow's code and a run's history, in words. */
export interface FoundDifference {
  readonly reason: string;
  /** The number of the call at which they part; null where it is a patch. */
  readonly seq: number | null;
}

export interface Difference {
  readonly run: ClaimedRun;
  readonly definition: WorkflowDefinition;
  readonly departure: Departure;
  readonly cursor: ReplayCursor;
  readonly history: History;
}

/** Says where a workflow left its history, and what to do about it. */
export function findDifference(difference: Difference): FoundDifference {
  const { departure, cursor } = difference;
  const next = cursor.leftOver()[0]?.seq ?? -1;
  const seq = departure.kind === 'call' ? departure.call.seq : next < 0 ? null : next;
  return { reason: describe(difference), seq };
}

function describe(difference: Difference): string {
  const { run, cursor, departure } = difference;
  const matched = cursor.lastMatched;
  return [
    `Nondeterminism: workflow "${run.name}" (${run.workflowId}) left its history ${placeOf(difference)}`,
    ...(departure.kind === 'call' ? mismatchLines(difference, departure) : leftOverLines(difference)),
    matched === null
      ? '  no call before it was recorded'
      : `  last call that matched: #${matched.seq} ${nameOf(matched)}`,
    '  Nothing of the run is lost. Usual causes and remedies:',
    `  - the workflow's code was changed: run a process with the code that version "${run.version}" stood for, or give the changed workflow a new version`,
    ...patchLines(difference),
    '  - the function reads the time, random numbers or the environment itself: use now(), random() and uuid(), or read it in a step',
    '  - the order of its calls depends on something that is not recorded, such as the order of a query result or a Set',
  ].join('\n');
}

function placeOf({ departure, cursor }: Difference): string {
  if (departure.kind === 'call') return `at call #${departure.call.seq}`;
  const next = cursor.leftOver()[0];
  return departure.kind === 'end' || next === undefined ? 'at its end' : `before ${numbered(next)}`;
}

function mismatchLines(
  { history, definition }: Difference,
  { call, callSite }: Extract<Departure, { readonly kind: 'call' }>,
): string[] {
  const recorded = history.calls.get(call.seq);
  const first = recorded?.markers[0] ?? recorded?.result ?? null;
  return [
    `  recorded${first === null ? '' : ` ${at(first)}`}: ${recorded === undefined ? 'nothing' : nameOf(recorded)}`,
    `  now (version "${definition.version}", code ${definition.code}): ${nameOf(call)}${callSite === null ? '' : `, called from ${callSite}`}`,
  ];
}

function leftOverLines({ cursor, definition, departure }: Difference): string[] {
  const leftOver = cursor.leftOver();
  const now = departure.kind === 'end' ? 'ended before it took these results' : 'waits for something else';
  return [
    `  recorded and not asked for: ${leftOver
      .slice(0, 5)
      .map((checkpoint) => `${numbered(checkpoint)} (${at(checkpoint)})`)
      .join(', ')}${leftOver.length > 5 ? ` and ${leftOver.length - 5} more` : ''}`,
    `  now (version "${definition.version}", code ${definition.code}): the function ${now}`,
  ];
}

/** What concerns the whole run has no number. */
function numbered({ seq, ...rest }: Checkpoint): string {
  return `${seq < 0 ? '' : `#${seq} `}${nameOf(rest)}`;
}

function patchLines({ cursor }: Difference): string[] {
  const [next] = cursor.leftOver();
  if (next?.kind !== 'patch') return [];
  const name = JSON.stringify(next.name);
  return [
    `  - the code is older than a change that this run was part of, or newer than its removal: keep patched(${name}), or deprecatePatch(${name}), as long as there are such runs`,
  ];
}

function nameOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return kind === name ? kind : `${kind} "${name}"`;
}

function at(checkpoint: Checkpoint): string {
  return new Date(checkpoint.finishedAt).toISOString();
}
