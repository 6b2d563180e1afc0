import type { ExecutionContext, Type } from '@nestjs/common';
import type { Workflow } from '@perdure/core';
import type { RouteOptions } from '@perdure/http';
import type { CallOptions } from '../calls/call-options.js';
import type { WorkflowClass } from '../workflows/workflow-class.js';

/** A workflow, as a function or as a class. */
export type WorkflowReference = Workflow<never[], unknown> | WorkflowClass;

/** What `@Idempotent` and `@Durable` say of a handler. */
export interface RouteMetadata {
  /** What is called when a request comes; null for the handler itself. */
  readonly workflow: WorkflowReference | null;
  readonly options: RouteOptions<never> | CallOptions;
}

export const routeMetadataKey = 'perdure:route';

/** The names under which Nest 10 to 12 keep what its decorators say; it exports them from no entry point. */
const nest = {
  httpCode: '__httpCode__',
  routeArguments: '__routeArguments__',
  passthrough: '__responsePassthrough__',
} as const;

export function routeMetadataOf(context: ExecutionContext): RouteMetadata {
  return Reflect.getMetadata(routeMetadataKey, context.getHandler()) as RouteMetadata;
}

/** The status that `@HttpCode` sets, null where the handler has none. */
export function httpCodeOf(context: ExecutionContext): number | null {
  return (Reflect.getMetadata(nest.httpCode, context.getHandler()) as number | undefined) ?? null;
}

/** Whether Nest sends what a handler returns; with `@Res()` or `@Next()` the handler does so itself. */
export function isSentByNest(context: ExecutionContext): boolean {
  const cls: Type = context.getClass();
  const name = context.getHandler().name;
  if (Reflect.getMetadata(nest.passthrough, cls, name) === true) return true;
  const args = (Reflect.getMetadata(nest.routeArguments, cls, name) ?? {}) as Record<string, unknown>;
  // By kind and place: 1 is the response, and 2 is `next`.
  return !Object.keys(args).some((key) => /^[12]:/.test(key));
}
