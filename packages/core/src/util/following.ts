/**
 * A controller whose signal also aborts when the given one does. Node keeps what `AbortSignal.any` makes, and all that
 * listens to it, until it aborts; this goes with its last user.
 */
export function following(signal: AbortSignal): AbortController {
  const controller = new AbortController();
  const follow = (): void => controller.abort(signal.reason);
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return controller;
}
