import { DuplicateWorkflowError } from '../errors/errors.js';
import type { WorkflowDefinition } from './definition.js';
import { fileOf, isBundled } from './call-site.js';
import { processState } from './process-state.js';

/**
 * Registers a definition under its name and version. The same source again is the same workflow: bundlers load a module
 * twice. Other source replaces it only from the place where it was defined before, which is what a hot reload does.
 *
 * A bundler that minifies makes each copy of one module other source, in a file of its own. Such copies are kept side by
 * side, each as a version: whichever of them a run was started with, this process can continue it. So are functions whose
 * versions were given and differ: a build may keep an earlier version until its runs have ended.
 */
export function register(definition: WorkflowDefinition): void {
  const { definitions } = processState();
  const versions = definitions.get(definition.name) ?? new Map<string, WorkflowDefinition>();
  for (const known of versions.values()) {
    if (known.code === definition.code || isBundled(known.definedAt) || isBundled(definition.definedAt)) continue;
    if (known.version !== definition.version && isGiven(known) && isGiven(definition)) continue;
    if (fileOf(known.definedAt) !== fileOf(definition.definedAt)) {
      throw new DuplicateWorkflowError(definition.name, known.definedAt, definition.definedAt);
    }
    versions.delete(known.version);
  }
  // The latest comes last, also if it is an earlier version again.
  versions.delete(definition.version);
  definitions.set(definition.name, versions.set(definition.version, definition));
}

/**
 * The workflows that an engine can run: those given to it, else all that the process knows, late ones included; and those
 * that no other engine of the process knows.
 */
export class Registry {
  readonly #own: ReadonlyMap<string, readonly WorkflowDefinition[]> | null; // null = whatever the process has registered
  readonly #private: ReadonlyMap<string, readonly WorkflowDefinition[]>;

  /** @throws {DuplicateWorkflowError} for a private workflow with the name of another one */
  constructor(own: readonly WorkflowDefinition[] | null, alone: readonly WorkflowDefinition[] = []) {
    this.#own = own === null ? null : byName(own);
    this.#private = byName(alone);
    for (const { name, definedAt } of alone) {
      const other = this.#sharedVersions(name).at(-1);
      if (other !== undefined) throw new DuplicateWorkflowError(name, other.definedAt, definedAt);
    }
  }

  find(name: string, version: string): WorkflowDefinition | null {
    return this.#versions(name).find((definition) => definition.version === version) ?? null;
  }

  /** What a run begins with that was started by name alone: the version that was defined last. */
  named(name: string): WorkflowDefinition | null {
    return this.#versions(name).at(-1) ?? null;
  }

  /** Of each name, the version that was defined last comes last. */
  all(): readonly WorkflowDefinition[] {
    const names = new Set([...(this.#own ?? processState().definitions).keys(), ...this.#private.keys()]);
    return [...names].flatMap((name) => this.#versions(name));
  }

  /** A private workflow is the one of its name, also where the process defines another one later. */
  #versions(name: string): readonly WorkflowDefinition[] {
    return this.#private.get(name) ?? this.#sharedVersions(name);
  }

  #sharedVersions(name: string): readonly WorkflowDefinition[] {
    if (this.#own === null) return [...(processState().definitions.get(name)?.values() ?? [])];
    return this.#own.get(name) ?? [];
  }
}

/** Whether its version is not the fingerprint of its code. */
const isGiven = ({ version, code }: WorkflowDefinition): boolean => version !== code;

/** Of two with one name and version, the later counts. */
function byName(definitions: readonly WorkflowDefinition[]): ReadonlyMap<string, readonly WorkflowDefinition[]> {
  const names = new Map<string, WorkflowDefinition[]>();
  for (const definition of definitions) {
    const others = (names.get(definition.name) ?? []).filter(({ version }) => version !== definition.version);
    names.set(definition.name, [...others, definition]);
  }
  return names;
}
