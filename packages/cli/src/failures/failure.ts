import { type ErrorCode, PerdureError } from '@perdure/core';
import { CommanderError } from 'commander';
import { oneLine, wrap, wrapLines } from '../terminal/text.js';
import { jsonText } from '../terminal/json.js';
import type { Terminal } from '../terminal/terminal.js';
import { exitCodes } from './exit-codes.js';
import { UsageError } from './usage-error.js';

export interface ReportOptions {
  readonly json: boolean;
  /** With the stack, and the errors behind the error. */
  readonly debug: boolean;
  /** What must not be printed, whatever says it. */
  readonly secrets: readonly string[];
}

/** Says what went wrong in one sentence on stderr. Answers with what the process ends with. */
export function reportFailure(error: unknown, terminal: Terminal, { json, debug, secrets }: ReportOptions): number {
  if (hasAnswered(error)) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const conceal = (text: string): string => concealed(text, secrets);
  const code = error instanceof PerdureError ? error.code : null;
  const message = conceal(messageOf(error));
  const hint = code === null ? undefined : hints[code];
  if (json) terminal.note(conceal(jsonText({ error: { code, message } })));
  else if (error instanceof CommanderError) {
    terminal.note(
      ...wrapLines(`perdure: ${message}`, terminal.noteWidth),
      'See perdure help, and perdure help COMMAND.',
    );
  } else {
    terminal.note(
      ...wrap(
        `perdure: ${oneLine(message)}${code === null ? '' : ` (${code})`}${hint === undefined ? '' : ` ${hint}`}`,
        terminal.noteWidth,
      ),
    );
  }
  if (debug) terminal.note(conceal(stackOf(error)));
  const isUsage = error instanceof CommanderError || error instanceof UsageError || code === 'PERDURE_INVALID_ARGUMENT';
  return isUsage ? exitCodes.usage : exitCodes.failed;
}

/** What ends the reading of a command line when it has printed what was asked for, or how it is used. */
const hasAnswered = (error: unknown): error is CommanderError =>
  error instanceof CommanderError && answers.has(error.code);

const answers = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

function messageOf(error: unknown): string {
  if (error instanceof CommanderError) return error.message.replace(/^error: /, '');
  return error instanceof Error ? error.message : String(error);
}

/** What this command line has to offer where the message speaks of code. */
const hints: { readonly [C in ErrorCode]?: string } = {
  PERDURE_SCHEMA_MISSING: 'Or: perdure migrate',
};

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return `${error.stack ?? String(error)}${cause === undefined ? '' : `\nbecause of: ${stackOf(cause)}`}`;
}

function concealed(text: string, secrets: readonly string[]): string {
  const known = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return known.replace(urlPassword, '$1***@');
}

/** Bounded, so that it takes linear time on a text that is nothing but a beginning. */
const urlPassword = /(:\/\/[^\s/:@]{0,200}:)[^\s/]{1,500}@/g;
