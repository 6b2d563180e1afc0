import { AsyncResource } from 'node:async_hooks';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Calls a function, and returns what that returns. */
export type Call = <T>(fn: () => T) => T;

/**
 * A way to call functions in nobody's context: every `AsyncLocalStorage` is empty in them and in all that they begin, also
 * storages that this package knows nothing of, and whoever asks for it.
 *
 * Whatever is created, a promise, a timer, a handle, inherits the context of the code that creates it; `AsyncLocalStorage.exit`
 * leaves one storage, and there is no list of them. But a port that arrives in a message is created by the event loop itself,
 * on behalf of nobody.
 */
export async function nobodysContext(): Promise<Call> {
  const outer = new MessageChannel();
  const inner = new MessageChannel();
  try {
    return await new Promise<Call>((resolve) => {
      outer.port1.once('message', (arrived: MessagePort) => {
        arrived.once('message', () => {
          const nobodys = new AsyncResource('PERDURE');
          resolve((fn) => nobodys.runInAsyncScope(fn));
        });
      });
      outer.port2.postMessage(inner.port1, [inner.port1]);
      inner.port2.postMessage(null, []);
    });
  } finally {
    // Closes the other ends, too.
    outer.port2.close();
    inner.port2.close();
  }
}
