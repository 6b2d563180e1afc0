import { Scope } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { DuplicateProviderError } from '../errors.js';
import { nestState } from '../nest-state.js';
import type { WorkflowClass, WorkflowMetadata } from './workflow-class.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A provider that is a workflow. */
export interface FoundWorkflow {
  readonly cls: WorkflowClass;
  readonly metadata: WorkflowMetadata;
  readonly token: Wrapper['token'];
  /** Null for a class that is request-scoped, or depends on something that is: each run makes one. */
  readonly instance: object | null;
  /** The module that provides it. */
  readonly module: string;
}

/**
 * Finds the workflows among the providers of an application, whether they are provided as classes, values or by factories.
 *
 * @throws {DuplicateProviderError} for two providers of one name
 */
export function exploreWorkflows(discovery: DiscoveryService): FoundWorkflow[] {
  const found = discovery.getProviders().flatMap((wrapper) => workflowOf(wrapper) ?? []);
  const byName = new Map<string, FoundWorkflow[]>();
  for (const item of found) byName.set(item.metadata.name, [...(byName.get(item.metadata.name) ?? []), item]);
  for (const [name, items] of byName) {
    if (items.length === 1) continue;
    throw new DuplicateProviderError(
      name,
      items.map(({ cls, module }) => `${cls.name} in ${module}`),
    );
  }
  return found;
}

function workflowOf(wrapper: Wrapper): FoundWorkflow | null {
  if (wrapper.isAlias) return null;
  const cls = classOf(wrapper);
  const metadata = cls === null ? undefined : nestState().metadata.get(cls);
  if (cls === null || metadata === undefined) return null;
  const isScoped = wrapper.scope === Scope.TRANSIENT || !wrapper.isDependencyTreeStatic();
  const instance = isScoped ? null : ((wrapper.instance ?? null) as object | null);
  return { cls, metadata, token: wrapper.token, instance, module: wrapper.host?.name ?? 'an unknown module' };
}

/** A factory's product tells its class itself, as does a value. */
function classOf({ metatype, inject, instance }: Wrapper): WorkflowClass | null {
  const cls: unknown = !metatype || inject ? (instance as object | null | undefined)?.constructor : metatype;
  return typeof cls === 'function' ? (cls as unknown as WorkflowClass) : null;
}
