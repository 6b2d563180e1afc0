import { DuplicateWorkflowError } from '../errors/errors.js';
import type { WorkflowDefinition } from './definition.js';
import { fileOf, isBundled } from './call-site.js';
import { processState } from './process-state.js';

/**
 * Registers a definition under its name and version. The same source again is the same workflow: bundlers load a module
 * twice. Other source replaces it only from the place where it was defined before, which is what a hot reload does.
 *
 * A bundler that minifies makes each copy of one module other source, in a file of its own. Such copies are kept side by
 * side, each as a version: whichever of them a run was started with, this process can continue it.
 */
export function register(definition: WorkflowDefinition): void {
  const { definitions } = processState();
  const versions = definitions.get(definition.name) ?? new Map<string, WorkflowDefinition>();
  for (const known of versions.values()) {
    if (known.code === definition.code || isBundled(known.definedAt) || isBundled(definition.definedAt)) continue;
    if (fileOf(known.definedAt) !== fileOf(definition.definedAt)) {
      throw new DuplicateWorkflowError(definition.name, known.definedAt, definition.definedAt);
    }
    versions.delete(known.version);
  }
  // The latest comes last, also if it is an earlier version again.
  versions.delete(definition.version);
  definitions.set(definition.name, versions.set(definition.version, definition));
}

/** The workflows that an engine can run: those given to it, else all that the process knows, late ones included. */
export class Registry {
  readonly #own: ReadonlyMap<string, WorkflowDefinition> | null; // null = whatever the process has registered

  constructor(own: readonly WorkflowDefinition[] | null) {
    this.#own = own === null ? null : new Map(own.map((definition) => [definition.name, definition]));
  }

  find(name: string, version: string): WorkflowDefinition | null {
    if (this.#own === null) return processState().definitions.get(name)?.get(version) ?? null;
    const definition = this.#own.get(name);
    return definition?.version === version ? definition : null;
  }

  /** What a run begins with that was started by name alone: the version that was defined last. */
  named(name: string): WorkflowDefinition | null {
    if (this.#own !== null) return this.#own.get(name) ?? null;
    return [...(processState().definitions.get(name)?.values() ?? [])].at(-1) ?? null;
  }

  /** Of each name, the version that was defined last comes last. */
  all(): readonly WorkflowDefinition[] {
    if (this.#own !== null) return [...this.#own.values()];
    return [...processState().definitions.values()].flatMap((versions) => [...versions.values()]);
  }
}
