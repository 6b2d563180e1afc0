import type { RecordedStep } from '@perdure/core';
import { jsonText } from './json.js';
import type { Colour, Terminal } from './terminal.js';
import { cut, oneLine, padTo, widthOf } from './text.js';
import { tookText } from './times.js';

export interface TimelineOptions {
  readonly now: number;
  /** Whether results are shown. */
  readonly payloads: boolean;
}

/** A step as it is drawn. */
interface Bar {
  readonly step: RecordedStep;
  readonly no: string;
  readonly name: string;
  readonly took: string;
  readonly from: number;
  readonly to: number;
}

const nameWidthMax = 28;
const barWidthMin = 8;

/** What waits, and does nothing meanwhile. */
const waits: ReadonlySet<RecordedStep['kind']> = new Set(['sleep', 'receive', 'child', 'result', 'get-event']);

const marks: Readonly<Record<RecordedStep['status'], readonly [string, Colour]>> = {
  completed: ['✓', 'green'],
  failed: ['✗', 'red'],
  open: ['▸', 'blue'],
};

/** The steps of a run as bars in the time that it took, those beside each other that were at one time. */
export function timeline(terminal: Terminal, steps: readonly RecordedStep[], options: TimelineOptions): string[] {
  const bars = steps.map((step) => barOf(step, options.now));
  const begin = Math.min(...bars.map(({ from }) => from));
  const lengthMs = Math.max(1, Math.max(...bars.map(({ to }) => to)) - begin);
  const noWidth = Math.max(...bars.map(({ no }) => no.length));
  const nameWidth = Math.min(nameWidthMax, Math.max(...bars.map(({ name }) => widthOf(name))));
  const tookWidth = Math.max(...bars.map(({ took }) => took.length));
  const barWidth = Math.max(barWidthMin, terminal.textWidth - noWidth - nameWidth - tookWidth - 7);
  return bars.flatMap((bar, index) => {
    const { step, no, name, took } = bar;
    const [mark, colour] = marks[step.status];
    const drawn = draw(bar, (bar.from - begin) / lengthMs, (bar.to - begin) / lengthMs, barWidth);
    const before = bars[index - 1]?.step.retries;
    const heading = before === undefined || before === step.retries ? [] : [headingOf(step.retries)];
    return [
      ...heading,
      `${padTo(no, noWidth, 'right')} ${terminal.paint(colour, mark)} ${padTo(cut(name, nameWidth), nameWidth)}  ${terminal.paint(colour, drawn)}  ${padTo(took, tookWidth, 'right')}`,
      ...detailsOf(step, options).map((detail) =>
        cut(' '.repeat(noWidth + 3) + detail, options.payloads ? Infinity : terminal.width),
      ),
    ];
  });
}

function barOf(step: RecordedStep, now: number): Bar {
  const { kind, name, startedAt, finishedAt } = step;
  const to = finishedAt ?? now;
  const isStep = kind === 'step';
  const took = `${tookText(Math.max(0, to - startedAt))}${finishedAt === null ? ' …' : ''}`;
  return {
    step,
    no: String(step.step),
    name: oneLine(isStep || name === kind ? name : `${kind} ${name}`),
    took,
    from: startedAt,
    to,
  };
}

function draw({ step }: Bar, from: number, to: number, width: number): string {
  const first = Math.min(width - 1, Math.floor(from * width));
  const length = Math.max(1, Math.round(to * width) - first);
  const [before, inside] = [
    ' '.repeat(first),
    (waits.has(step.kind) ? '░' : '█').repeat(Math.min(length, width - first)),
  ];
  return padTo(before + inside, width);
}

const headingOf = (retries: number): string => `The workflow was retried, for the ${ordinal(retries)} time:`;

function ordinal(no: number): string {
  const endings: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
  return `${no}${endings[new Intl.PluralRules('en', { type: 'ordinal' }).select(no)] ?? 'th'}`;
}

function detailsOf(step: RecordedStep, { payloads }: TimelineOptions): string[] {
  const { failedTries, startedId, status } = step;
  const lastTry = failedTries.at(-1);
  return [
    ...(lastTry === undefined
      ? []
      : [`${triesText(failedTries.length)}, the last one with ${errorText(lastTry.error)}`]),
    ...(status === 'failed' ? [errorText(step.error)] : []),
    ...(startedId === null ? [] : [`started ${oneLine(startedId)}`]),
    ...(payloads && status === 'completed' && step.value !== undefined ? [`→ ${jsonText(step.value)}`] : []),
  ];
}

const triesText = (tries: number): string => `${tries} failed ${tries === 1 ? 'try' : 'tries'}`;

/** The name of an error and what it says, on one line. */
export function errorText(error: unknown): string {
  return oneLine(error instanceof Error ? `${error.name}: ${error.message}` : jsonText(error));
}
