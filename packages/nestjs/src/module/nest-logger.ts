import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from '@perdure/core';

/** What the engine has to say, through the application's logger. */
export function nestLogger(): Logger {
  const logger = new NestLogger('Perdure');
  const text = (fields: Record<string, unknown>, message: string): string =>
    Object.entries(fields).reduce((line, [name, value]) => `${line} ${name}=${shown(value)}`, message);
  return {
    debug: (fields, message) => logger.debug(text(fields, message)),
    info: (fields, message) => logger.log(text(fields, message)),
    warn: (fields, message) => logger.warn(text(fields, message)),
    error: (fields, message) => logger.error(text(fields, message), stackOf(fields['err'])),
  };
}

function shown(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
