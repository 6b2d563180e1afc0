import { PerdureError } from './perdure-error.js';

/** No process has ever had this version of the workflow, or none of its versions is promoted. */
export class VersionNotFoundError extends PerdureError {
  static readonly code = 'PERDURE_VERSION_NOT_FOUND';
  override readonly name: string = 'VersionNotFoundError';

  /** @param version null = whichever is promoted */
  constructor(workflow: string, version: string | null) {
    const what =
      version === null
        ? `No version of workflow "${workflow}" is promoted`
        : `No process has had version "${version}" of workflow "${workflow}" yet`;
    super(
      VersionNotFoundError.code,
      `${what}. perdure.versions.list() has all that there are; launch a process with a new one before you promote it.`,
      { data: { workflow, version } },
    );
  }
}
