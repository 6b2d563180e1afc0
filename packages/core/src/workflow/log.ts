import { ConsoleLogger } from '../seams/console-logger.js';
import type { Logger } from '../seams/logger.js';
import { currentContext } from './current-context.js';
import { logContext } from './log-context.js';
import { processState } from './process-state.js';

/** Writes one line: what it says, after fields if it has any. */
export type WriteLine = (...line: [message: string] | [fields: Record<string, unknown>, message: string]) => void;

export type RunLog = Readonly<Record<'debug' | 'info' | 'warn' | 'error', WriteLine>>;

/**
 * Writes to the logger that the engine was launched with, and adds {@link logContext}. In a workflow, a line is not written
 * again when the workflow is replayed; if the process died before the run had recorded anything further, it may be. No error
 * of the logger's reaches the workflow.
 *
 * @example
 * log.info({ sku: order.sku }, 'reserved');
 */
export const log: RunLog = {
  debug: (...line) => write('debug', line),
  info: (...line) => write('info', line),
  warn: (...line) => write('warn', line),
  error: (...line) => write('error', line),
};

function write(level: keyof RunLog, line: Parameters<WriteLine>): void {
  const context = currentContext();
  if (context?.kind === 'workflow' && context.isRepeating()) return;
  const [fields, message] = line.length === 1 ? [{}, line[0]] : line;
  try {
    const all = { ...logContext(), ...fields };
    currentLogger()[level](all, message);
  } catch {
    // Whether a run succeeds must not depend on who listens.
  }
}

/** Where code runs outside of any engine, or several are launched, nobody has said where lines go. */
function currentLogger(): Logger {
  const [launched, ...others] = processState().launched;
  const starter = currentContext()?.starter ?? (others.length === 0 ? launched : undefined);
  return starter?.runLogger ?? new ConsoleLogger({ least: 'info' });
}
