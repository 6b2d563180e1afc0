import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from '@perdure/core';
import { withFields } from './log-text.js';

/** What the engine has to say, through the application's logger. */
export function nestLogger(): Logger {
  const logger = new NestLogger('Perdure');
  return {
    debug: (fields, message) => logger.debug(withFields(message, fields)),
    info: (fields, message) => logger.log(withFields(message, fields)),
    warn: (fields, message) => logger.warn(withFields(message, fields)),
    error: (fields, message) => logger.error(withFields(message, fields), stackOf(fields['err'])),
  };
}

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
