/** The command line does not hold. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
