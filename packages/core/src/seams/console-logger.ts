/* oxlint-disable no-console -- this is the one place that writes to the console */
import type { Logger } from './logger.js';

/**
 * The default logger: one line each on stderr. It never throws, and leaves out the passwords of URLs, which drivers like to
 * put into the messages of their errors.
 */
export class ConsoleLogger implements Logger {
  readonly #writesInfo: boolean;

  /** @param options `least`: what is below that is not written; `warn` by default */
  constructor({ least = 'warn' }: { readonly least?: 'info' | 'warn' } = {}) {
    this.#writesInfo = least === 'info';
  }

  debug(): void {
    // Details are for whoever passes a logger.
  }

  info(fields: Record<string, unknown>, message: string): void {
    if (this.#writesInfo) console.error(format('info', fields, message));
  }

  warn(fields: Record<string, unknown>, message: string): void {
    console.error(format('warn', fields, message));
  }

  error(fields: Record<string, unknown>, message: string): void {
    console.error(format('error', fields, message));
  }
}

function format(level: string, fields: Record<string, unknown>, message: string): string {
  const texts = Object.keys(fields).map((name) => `${name}=${textOf(() => fields[name])}`);
  const line = [`perdure ${level}: ${message}`, ...texts].join(' ');
  return line.replace(urlPassword, '$1***@').replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Bounded, so that it takes linear time on a line that is nothing but a beginning. */
const urlPassword = /(:\/\/[^\s/:@]{0,200}:)[^\s/]{1,500}@/g;

/** A field must not keep its line from being written: not a cycle, not a bigint, not a getter that throws. */
function textOf(read: () => unknown): string {
  try {
    const value = read();
    if (value instanceof Error) return String(value.message);
    return JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? String(member) : member));
  } catch {
    return '[unreadable]';
  }
}
