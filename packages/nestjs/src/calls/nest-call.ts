import type { ExecutionContext } from '@nestjs/common';
import type { HttpExchange } from '@perdure/http';
import type { CallOptions } from './call-options.js';

/** A call of a GraphQL resolver, or of a message handler. */
export interface NestCall {
  readonly context: ExecutionContext;
  readonly options: CallOptions;
  /** The HTTP request in which a GraphQL operation came; undefined for a message. */
  readonly request: HttpRequest | undefined;
}

interface HttpRequest {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What is asked of a call, whatever brought it. */
interface Called {
  /** The field or pattern, which stays when a class is renamed. */
  readonly operation: string;
  readonly args: unknown;
  readonly request: HttpRequest | undefined;
}

/** Federation calls `@ResolveReference` with other arguments than resolvers, and for no operation. */
export function isCall(context: ExecutionContext): boolean {
  const type = context.getType<string>();
  return type === 'rpc' || (type === 'graphql' && context.getArgByIndex<unknown>(3) !== undefined);
}

/** @throws {Error} for a type of call that is none of these */
export function callExchange(context: ExecutionContext, options: CallOptions): HttpExchange<NestCall> {
  const type = context.getType<string>();
  if (!isCall(context)) throw noCall(context);
  const { operation, args, request } = type === 'rpc' ? handlerCall(context) : resolverCall(context);
  return {
    request: { context, options, request },
    method: type.toUpperCase(),
    path: operation,
    query: new URLSearchParams(),
    header: (name) => {
      const value = request?.headers?.[name];
      return typeof value === 'string' ? value : null;
    },
    payload: async () =>
      args instanceof Uint8Array ? { kind: 'bytes', bytes: args } : { kind: 'json', value: args ?? null },
    signal: null,
  };
}

const noCall = (context: ExecutionContext): Error =>
  new Error(
    `@Idempotent() and @Durable() are for HTTP requests, GraphQL and messages, and ${context.getClass().name}.${context.getHandler().name} is called for something else.`,
  );

/** As GraphQL calls its resolvers. */
type ResolverArgs = readonly [
  root: unknown,
  args: unknown,
  context: { readonly req?: HttpRequest } | undefined,
  info: { readonly fieldName: string; readonly parentType: { readonly name: string } },
];

function resolverCall(context: ExecutionContext): Called {
  const [, args, graphql, { parentType, fieldName }] = context.getArgs() as unknown as ResolverArgs;
  // Put there by Nest's drivers.
  return { operation: `${parentType.name}.${fieldName}`, args, request: graphql?.req };
}

function handlerCall(context: ExecutionContext): Called {
  return { operation: patternOf(context), args: context.switchToRpc().getData<unknown>(), request: undefined };
}

/** The name under which Nest 10 to 12 keep the pattern of a message handler; they export it from no entry point. */
const patternKey = 'microservices:pattern';

function patternOf(context: ExecutionContext): string {
  return JSON.stringify(Reflect.getMetadata(patternKey, context.getHandler()) ?? context.getHandler().name);
}
