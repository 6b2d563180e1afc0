/** A module of the user's that does something else than to define workflows. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError';

  static failed(path: string, cause: unknown): ModuleError {
    const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return new ModuleError(`${path} failed while it was loaded: ${said}`, { cause });
  }

  static empty(path: string): ModuleError {
    return new ModuleError(
      `${path} defines no workflow. Give the module in which workflow() is called, or one that imports it.`,
    );
  }

  /** Its engine would execute runs, whatever was asked for. */
  static launches(path: string): ModuleError {
    return new ModuleError(
      `${path} launches an engine when it is loaded. Give a module that only defines workflows, and launch elsewhere.`,
    );
  }
}
