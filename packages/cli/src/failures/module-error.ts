/** A module of the user's that defines no workflows. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError';

  /** @param cause what it threw; null = nothing */
  constructor(path: string, cause: unknown) {
    const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(
      cause === null
        ? `${path} defines no workflow. Give the module in which workflow() is called, or one that imports it.`
        : `${path} failed while it was loaded: ${said}`,
      cause === null ? undefined : { cause },
    );
  }
}
