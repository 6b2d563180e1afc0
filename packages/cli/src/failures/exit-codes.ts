/** What the process ends with; docs/cli.md says the same. */
export const exitCodes = {
  done: 0,
  /** It could not be done, and the message says why. */
  failed: 1,
  /** The command line does not hold. */
  usage: 2,
  /** `check` has found runs that the build cannot go on with. */
  incompatible: 3,
  /** Something was to be done to runs that were named, and was not done to all of them. */
  unchanged: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
