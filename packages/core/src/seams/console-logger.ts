/* oxlint-disable no-console -- this is the one place that writes to the console */
import type { Logger } from './logger.js';

/** The default logger: warnings and errors as one line each on stderr. */
export class ConsoleLogger implements Logger {
  debug(): void {
    // Details are for whoever passes a logger.
  }

  info(): void {
    // As above.
  }

  warn(fields: Record<string, unknown>, message: string): void {
    console.error(format('warn', fields, message));
  }

  error(fields: Record<string, unknown>, message: string): void {
    console.error(format('error', fields, message));
  }
}

function format(level: string, fields: Record<string, unknown>, message: string): string {
  const texts = Object.entries(fields).map(
    ([name, value]) => `${name}=${value instanceof Error ? value.message : JSON.stringify(value)}`,
  );
  return [`perdure ${level}: ${message}`, ...texts].join(' ');
}
