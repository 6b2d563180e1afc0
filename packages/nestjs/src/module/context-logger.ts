import type { LoggerService } from '@nestjs/common';
import { logContext } from '@perdure/http';
import { withFields } from './log-text.js';

/**
 * A logger that says of each line where it belongs: to which request, run, step and trace. It adds {@link logContext} to what
 * another logger writes, to texts as text, and to objects as members. Loggers that know mixins, as pino does, need it not.
 *
 * @example
 * app.useLogger(contextLogger(new ConsoleLogger()));
 */
export function contextLogger(logger: LoggerService): LoggerService {
  type Write = (message: unknown, ...rest: unknown[]) => void;
  const inContext =
    (write: Write): Write =>
    (message, ...rest) =>
      write(placed(message), ...rest);
  return {
    log: inContext((...line) => void logger.log(...line)),
    error: inContext((...line) => void logger.error(...line)),
    warn: inContext((...line) => void logger.warn(...line)),
    debug: inContext((...line) => void logger.debug?.(...line)),
    verbose: inContext((...line) => void logger.verbose?.(...line)),
    fatal: inContext((...line) => void logger.fatal?.(...line)),
    setLogLevels: (levels) => void logger.setLogLevels?.(levels),
  };
}

function placed(message: unknown): unknown {
  if (typeof message === 'string') return withFields(message, unsaid(message));
  return isPlain(message) ? { ...logContext(), ...message } : message;
}

function isPlain(message: unknown): message is Record<string, unknown> {
  return typeof message === 'object' && message !== null && Object.getPrototypeOf(message) === Object.prototype;
}

/** What runs log through the engine says where it belongs already. */
const unsaid = (message: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(logContext()).filter(([name]) => !message.includes(` ${name}=`)));
