import { classify } from '../database/database-errors.js';
import { DatabaseUnavailableError, type UnavailableReason } from '../errors/errors.js';
import { DatabaseRefusedError, type RefusalReason } from '../errors/storage-errors.js';

/** What somebody who launches an engine is told of an error of the driver: what to look at first. */
export function launchError(error: unknown): unknown {
  const [code, message] = [textOf(error, 'code'), textOf(error, 'message')];
  const isLike = ([, pattern, words]: readonly [string, RegExp, RegExp?]): boolean =>
    pattern.test(code) && (words?.test(message) ?? true);
  const refusal = refusals.find(isLike);
  if (refusal !== undefined) return new DatabaseRefusedError(refusal[0], error);
  if (classify(error) !== 'connection') return error;
  return new DatabaseUnavailableError(error, unavailabilities.find(isLike)?.[0] ?? 'unreachable');
}

/** By SQLSTATE, and for errors of poolers and of `pg` that have none of their own also by their words. */
const refusals: readonly (readonly [RefusalReason, RegExp, RegExp?])[] = [
  ['login', /^28/],
  ['login', /^08P01$/, /password|no such user|not allowed|pg_hba/],
  ['login', /^$/, /^SASL/],
  ['database', /^3D000$/],
  ['database', /^08P01$/, /database .{1,80} does not exist|no such database/],
  ['database', /^55000$/, /not currently accepting connections/],
  ['rights', /^42501$/],
  ['tls', /^$/, /does not support SSL/],
  ['tls', /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_)/],
  ['parameter', /^08P01$/, /startup parameter/],
  ['parameter', /^(22023|42704|55P02)$/, /parameter/],
];

const unavailabilities: readonly (readonly [UnavailableReason, RegExp, RegExp?])[] = [
  ['read-only', /^25006$/],
  ['full', /^53300$/],
  ['full', /^08P01$/, /no more connections allowed/],
  ['exhausted', /^53[12]00$/],
];

function textOf(error: unknown, key: 'code' | 'message'): string {
  const value = error instanceof Error ? (error as unknown as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : '';
}
