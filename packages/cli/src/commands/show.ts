import type { RecordedStep, RunDetails, RunInfo } from '@perdure/core';
import type { Command } from 'commander';
import { count, wholeNumber } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions, nextCommand } from '../cli.js';
import type { Access } from '../database/connection.js';
import { runFacts, statusColour } from '../runs.js';
import { jsonText } from '../terminal/json.js';
import { facts, table } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';
import { oneLine, shellWord } from '../terminal/text.js';
import { errorText, timeline } from '../terminal/timeline.js';
import { momentAndAge, tookText } from '../terminal/times.js';

interface ShowOptions extends CommonOptions {
  readonly payloads?: true;
  readonly limit: number;
  readonly after?: number;
}

interface Shown {
  readonly run: RunDetails;
  readonly steps: readonly RecordedStep[];
  /** Whether there are steps beyond these. */
  readonly hasMore: boolean;
  readonly children: readonly RunInfo[];
}

/** So many children are named; `list --parent` has all of them. */
const childrenMax = 20;

export function addShow(program: Command, cli: Cli): void {
  addCommand(program, 'show <id>', 'show one run: what it is, and when it did what')
    .option('-p, --payloads', 'with what it was given, what its steps have returned, and what it came to')
    .option('-l, --limit <number>', 'how many of its steps at most', count, 100)
    .option('--after <step>', 'the steps behind this place', wholeNumber)
    .action(async (id: string, options: ShowOptions) => {
      const shown = await cli.ask(options, (access) => look(access, id, options));
      cli.answer(options, toJson(shown, options), () => toWords(cli.terminal, shown, options));
    });
}

async function look({ runs }: Access, id: string, { limit, after = -1 }: ShowOptions): Promise<Shown> {
  const run = await runs.get(id);
  const steps = await runs.steps(id, { after, limit: limit + 1 });
  const children = await runs.list({ parentId: id }, { limit: childrenMax + 1, order: 'oldest' });
  return { run, steps: steps.slice(0, limit), hasMore: steps.length > limit, children: children.runs };
}

function toJson({ run, steps, hasMore, children }: Shown, { payloads }: ShowOptions): unknown {
  const { input, result, error, ...info } = run;
  return {
    run: {
      ...runFacts(info),
      ...(error !== undefined && { error }),
      ...(payloads === true && { context: run.context, input, ...(result !== undefined && { result }) }),
    },
    steps: steps.map(({ value, ...step }) => ({ ...step, ...(payloads === true && { value }) })),
    hasMore,
    children: children.map(({ workflowId, name, status }) => ({ workflowId, name, status })),
  };
}

function toWords(terminal: Terminal, { run, steps, hasMore, children }: Shown, options: ShowOptions): string[] {
  const { payloads, limit, after } = options;
  const now = Date.now();
  const colour = statusColour(run.status);
  const status = colour === null ? run.status : terminal.paint(colour, run.status);
  const title = `${terminal.paint('bold', oneLine(run.workflowId))}  ${oneLine(run.name)}  ${status}`;
  const last = (after ?? -1) + steps.length;
  return [
    title,
    ...facts(terminal, factsOf(run, now)),
    ...(payloads === true ? payloadLines(run) : []),
    '',
    ...(steps.length === 0
      ? ['No step of it is recorded.']
      : timeline(terminal, steps, { now, payloads: payloads === true })),
    ...(hasMore ? [`There are more: repeat it with --after ${last}, or with a --limit above ${limit}.`] : []),
    ...childLines(terminal, children),
    ...hints(run, options),
  ];
}

function factsOf(run: RunDetails, now: number): (readonly [string, string | null])[] {
  const { createdAt, finishedAt, deadlineAt, attempt, crashes, error } = run;
  const attributes = Object.entries(run.attributes).map(([name, value]) => `${name}=${String(value)}`);
  return [
    ['version', run.version],
    ['started', momentAndAge(createdAt, now)],
    [
      'ended',
      finishedAt === null ? null : `${momentAndAge(finishedAt, now)}, after ${tookText(finishedAt - createdAt)}`,
    ],
    ['deadline', deadlineAt === null || finishedAt !== null ? null : momentAndAge(deadlineAt, now)],
    ['queue', run.queue],
    ['parent', run.parentId],
    ['forked from', run.forkedFrom],
    ['executor', run.executorId],
    [
      'attempt',
      attempt > 1 ? `${attempt}${crashes.length > 0 ? `, ${crashes.length} processes died under it` : ''}` : null,
    ],
    ['attributes', attributes.join(', ')],
    ['cancelled', run.cancelRequested && finishedAt === null ? 'was asked for' : null],
    ['blocked', run.blockedReason],
    ['error', error === undefined ? null : errorText(error)],
  ];
}

function payloadLines(run: RunDetails): string[] {
  const lines = (name: string, value: unknown): string[] => ['', `${name}:`, ...jsonText(value, 2).split('\n')];
  return [...lines('input', run.input), ...(run.result === undefined ? [] : lines('result', run.result))];
}

function childLines(terminal: Terminal, children: readonly RunInfo[]): string[] {
  if (children.length === 0) return [];
  const columns = [
    { title: 'CHILD', of: ({ workflowId }: RunInfo) => workflowId, isKey: true as const },
    { title: 'WORKFLOW', of: ({ name }: RunInfo) => name },
    { title: 'STATUS', of: ({ status }: RunInfo) => status, colour: ({ status }: RunInfo) => statusColour(status) },
  ];
  const isPart = children.length > childrenMax;
  return [
    '',
    ...table(terminal, columns, children.slice(0, childrenMax)),
    ...(isPart ? ['There are more: perdure list --parent <id> has all of them.'] : []),
  ];
}

const hints = ({ status, workflowId }: RunDetails, options: CommonOptions): string[] =>
  status === 'completed'
    ? []
    : [
        '',
        'Why it is where it is, and what would move it:',
        `  ${nextCommand(`perdure explain ${shellWord(workflowId)}`, options)}`,
      ];
