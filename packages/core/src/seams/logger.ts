/**
 * The part of a structured logger that the engine uses: pino's order of arguments, fields first. Any pino logger fits as
 * it is. The engine never logs inputs, results or secrets.
 */
export interface Logger {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
