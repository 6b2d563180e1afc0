import { timingSafeEqual } from 'node:crypto';

/** Whether a caller has the secret. Nobody has one that is not set. */
export function bears(authorization: string | null, secret: string | undefined): boolean {
  if (secret === undefined || secret === '' || authorization === null) return false;
  const [given, wanted] = [Buffer.from(authorization), Buffer.from(`Bearer ${secret}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
