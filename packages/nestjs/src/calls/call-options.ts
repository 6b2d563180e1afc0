import type { ExecutionContext } from '@nestjs/common';
import type { FingerprintOptions, RouteOptions } from '@perdure/http';

type Shared = 'required' | 'format' | 'waitMs' | 'maxJoiners' | 'ttlMs' | 'handlerTimeoutMs';

/** How calls are treated that are no HTTP requests of their own: those of GraphQL resolvers and of message handlers. */
export interface CallOptions extends Pick<RouteOptions<never>, Shared> {
  /** Where a call has its key: in its arguments, in a message's headers. */
  readonly keyResolver: (context: ExecutionContext) => string | null | undefined;
  /** Who calls. For GraphQL over HTTP it is whom `http.principal` finds in the request, unless this is given. */
  readonly principalResolver?: (
    context: ExecutionContext,
  ) => string | null | undefined | Promise<string | null | undefined>;
  /** What makes a call the same call again: its arguments, or of these what is said here. `false`: the key alone. */
  readonly fingerprint?: Omit<FingerprintOptions, 'query'> | false;
  /** What a repeated call gets while the first one is under way: its answer (`join`, default), or an error. */
  readonly onConcurrent?: 'join' | 'conflict';
}

export function isCallOptions(options: object): options is CallOptions {
  return 'keyResolver' in options;
}
