import { DuplicateWorkflowError } from '../errors/errors.js';
import type { WorkflowDefinition } from './definition.js';
import { fileOf } from './call-site.js';
import { processState } from './process-state.js';

/**
 * Registers a definition under its name. The same source again is the same workflow: bundlers load a module twice. Other
 * source replaces it only from the place where it was defined before, which is what a hot reload does.
 */
export function register(definition: WorkflowDefinition): void {
  const { definitions } = processState();
  const known = definitions.get(definition.name);
  if (
    known !== undefined &&
    known.code !== definition.code &&
    fileOf(known.definedAt) !== fileOf(definition.definedAt)
  ) {
    throw new DuplicateWorkflowError(definition.name, known.definedAt, definition.definedAt);
  }
  definitions.set(definition.name, definition);
}

/** The workflows that an engine can run: those given to it, else all that the process knows, late ones included. */
export class Registry {
  readonly #own: ReadonlyMap<string, WorkflowDefinition> | null; // null = whatever the process has registered

  constructor(own: readonly WorkflowDefinition[] | null) {
    this.#own = own === null ? null : new Map(own.map((definition) => [definition.name, definition]));
  }

  find(name: string, version: string): WorkflowDefinition | null {
    const definition = this.#definitions().get(name);
    return definition?.version === version ? definition : null;
  }

  named(name: string): WorkflowDefinition | null {
    return this.#definitions().get(name) ?? null;
  }

  all(): readonly WorkflowDefinition[] {
    return [...this.#definitions().values()];
  }

  #definitions(): ReadonlyMap<string, WorkflowDefinition> {
    return this.#own ?? processState().definitions;
  }
}
