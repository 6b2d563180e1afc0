import type { Perdure } from '@perdure/core';

export interface CloseOptions {
  /** How long requests under way get to be answered, before their clients are told to come back; 10 s by default. */
  readonly graceMs?: number;
  /** How long steps under way get after that; 10 s by default. */
  readonly drainMs?: number;
}

/** A server of HTTP/1 or HTTP/2. Those of HTTP/2 cannot cut their connections. */
interface ClosableServer {
  close(callback: () => void): unknown;
  closeIdleConnections?(): void;
  closeAllConnections?(): void;
}

/** How long the last answers, 503 mostly, get to go out. */
const farewellMs = 1_000;

/**
 * Closes a server and the engine behind it, in the order in which nobody is left without an answer: no new connections,
 * then the requests under way get their time, then the engine hands its runs over, which answers whoever still waits with
 * 503 and Retry-After, and then the connections go. Those of HTTP/2 stay until their clients or the process let go of them.
 */
export async function closeGracefully(
  server: ClosableServer,
  perdure: Perdure,
  { graceMs = 10_000, drainMs = 10_000 }: CloseOptions = {},
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    // It fails only for a server that does not listen, which is what is wanted.
    server.close(() => resolve());
  });
  // A connection that becomes idle is of no more use, and would keep the server open for its keep-alive time.
  const idle = setInterval(() => server.closeIdleConnections?.(), 50);
  try {
    await Promise.race([closed, passed(graceMs)]);
    await perdure.shutdown({ drainMs });
    await Promise.race([closed, passed(farewellMs)]);
  } finally {
    clearInterval(idle);
    server.closeAllConnections?.();
  }
  // Otherwise a client that stays would keep it waiting.
  if (server.closeAllConnections !== undefined) await closed;
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
